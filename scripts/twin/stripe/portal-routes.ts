import { z } from 'zod'
import type { ApiRoute } from './api.ts'
import { liveCustomer } from './customers.ts'
import { anything, emptyable, flag, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderPortalConfiguration, renderPortalSession } from './render-page-objects.ts'
import { find, now } from './shop.ts'
import type { Json, JsonObject, Shop } from './shop.ts'
import type { PortalConfigurationRecord } from './state.ts'

const bracketed = z.json()
const CONFIGURATION = {
  features: bracketed.optional(),
  business_profile: bracketed.optional(),
  default_return_url: emptyable.optional(),
  login_page: z.strictObject({ enabled: flag }).optional(),
  metadata: metadata.optional(),
  name: emptyable.optional()
}

/** FEATURES of the portal as they are until a seller says otherwise. */
const FEATURES = {
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: { enabled: false, options: [] },
    enabled: false,
    mode: 'at_period_end',
    proration_behavior: 'none'
  },
  subscription_update: { default_allowed_updates: [], enabled: false, products: null, proration_behavior: 'none' }
}

/** PORTAL_ROUTES are sessions of the customer portal, and what it offers. */
export const PORTAL_ROUTES: ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/billing_portal/sessions',
    answer({ shop, form }) {
      const asked = parameters(
        { customer: words, return_url: words.optional(), configuration: words.optional(), flow_data: anything, locale: anything },
        form
      )
      const customer = liveCustomer(shop, asked.customer, 'customer')
      const configuration =
        asked.configuration === undefined
          ? defaultConfiguration(shop)
          : find(shop.state.portalConfigurations, 'configuration', asked.configuration, 'configuration')
      const returnUrl = asked.return_url ?? configuration.defaultReturnUrl
      const one = {
        id: shop.world.id('bps_'),
        customerId: customer.id,
        configurationId: configuration.id,
        returnUrl,
        created: now(shop)
      }
      shop.state.portalSessions[one.id] = one
      return renderPortalSession(one, shop.origin)
    }
  },
  {
    method: 'post',
    path: '/v1/billing_portal/configurations',
    answer({ shop, form }) {
      const asked = parameters({ ...CONFIGURATION, features: bracketed }, form)
      // One that is made over the API is never the default one.
      const one = makeConfiguration(shop, false)
      setConfiguration(one, asked)
      return renderPortalConfiguration(one)
    }
  },
  {
    method: 'get',
    path: '/v1/billing_portal/configurations',
    answer({ shop, form }) {
      const asked = parameters({ ...LISTING, active: flag.optional(), is_default: flag.optional() }, form)
      const wanted = Object.values(shop.state.portalConfigurations).filter(
        (one) =>
          (asked.active === undefined || one.active === asked.active) &&
          (asked.is_default === undefined || one.isDefault === asked.is_default)
      )
      return page('/v1/billing_portal/configurations', 'configuration', wanted, asked, renderPortalConfiguration)
    }
  },
  {
    method: 'get',
    path: '/v1/billing_portal/configurations/:id',
    answer: ({ shop, id }) => renderPortalConfiguration(find(shop.state.portalConfigurations, 'configuration', id))
  },
  {
    method: 'post',
    path: '/v1/billing_portal/configurations/:id',
    answer({ shop, id, form }) {
      const one = find(shop.state.portalConfigurations, 'configuration', id)
      const asked = parameters({ ...CONFIGURATION, active: flag.optional() }, form)
      setConfiguration(one, asked)
      one.active = asked.active ?? one.active
      one.updated = now(shop)
      return renderPortalConfiguration(one)
    }
  }
]

function defaultConfiguration(shop: Shop): PortalConfigurationRecord {
  const found = Object.values(shop.state.portalConfigurations).find(({ isDefault }) => isDefault)
  return found ?? makeConfiguration(shop, true)
}

function makeConfiguration(shop: Shop, isDefault: boolean): PortalConfigurationRecord {
  const created = now(shop)
  const one: PortalConfigurationRecord = {
    id: shop.world.id('bpc_'),
    isDefault,
    active: true,
    name: null,
    defaultReturnUrl: null,
    features: isDefault
      ? { ...FEATURES, invoice_history: { enabled: true }, payment_method_update: { enabled: true } }
      : FEATURES,
    businessProfile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    loginPageEnabled: false,
    metadata: {},
    created,
    updated: created
  }
  shop.state.portalConfigurations[one.id] = one
  return one
}

function setConfiguration(
  one: PortalConfigurationRecord,
  asked: { [Name in keyof typeof CONFIGURATION]?: z.output<(typeof CONFIGURATION)[Name]> | undefined }
): void {
  if (asked.features !== undefined) one.features = over(one.features, typed(asked.features))
  if (asked.business_profile !== undefined) one.businessProfile = typed(asked.business_profile)
  if (asked.default_return_url !== undefined) one.defaultReturnUrl = asked.default_return_url
  if (asked.login_page) one.loginPageEnabled = asked.login_page.enabled
  if (asked.name !== undefined) one.name = asked.name
  one.metadata = merged(one.metadata, asked.metadata)
}

/** over sets fields of the features that are named, and leaves the others as they are. */
function over(before: Json, after: Json): Json {
  if (!isObject(before) || !isObject(after)) return after
  return {
    ...before,
    ...Object.fromEntries(Object.entries(after).map(([name, value]) => [name, over(before[name] ?? null, value)]))
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** typed gives the booleans back that form encoding turned into text. */
function typed(value: Json): Json {
  if (value === 'true' || value === 'false') return value === 'true'
  if (Array.isArray(value)) return value.map(typed)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, typed(below)]))
}
