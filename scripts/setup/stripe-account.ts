import { z } from 'zod'
import { PORTAL_MARK } from '../../server/src/billing/processors/stripe/answers.ts'
import { API_VERSION } from '../../server/src/billing/processors/stripe/client.ts'
import { HANDLED_TYPES } from '../../server/src/billing/processors/stripe/normalise.ts'
import { everyPage } from './stripe-shop.ts'
import type { StripeShop } from './stripe-shop.ts'

const enabled = z.object({ enabled: z.boolean() })

const configuration = z.object({
  object: z.literal('billing_portal.configuration'),
  id: z.string(),
  metadata: z.record(z.string(), z.string()).nullish(),
  features: z.object({
    customer_update: z.object({ enabled: z.boolean(), allowed_updates: z.array(z.string()).nullish() }),
    invoice_history: enabled,
    payment_method_update: enabled,
    subscription_cancel: z.object({ enabled: z.boolean(), mode: z.string().nullish() }),
    subscription_update: enabled
  })
})

/** FEATURES of the portal. Plans are changed in Parley, which checks the quotas first; a cancellation needs no such check. */
const FEATURES = {
  customer_update: { enabled: true, allowed_updates: ['address', 'email', 'name', 'tax_id'] },
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true },
  subscription_cancel: { enabled: true, mode: 'at_period_end' },
  subscription_update: { enabled: false }
}

/** setUpPortal makes the configuration of the customer portal, which the server finds by its metadata. */
export async function setUpPortal(shop: StripeShop): Promise<void> {
  const { configurations } = shop.stripe.billingPortal
  const existing = await everyPage(shop, configuration, (page) => configurations.list({ active: true, ...page }))
  const found = existing.find(({ metadata }) => metadata?.[PORTAL_MARK] !== undefined)
  const isSame = found !== undefined && JSON.stringify(featuresOf(found)) === JSON.stringify(FEATURES)
  let id = found?.id ?? null
  if (!shop.isDryRun && !isSame) {
    const params = { features: FEATURES, metadata: { [PORTAL_MARK]: '1' } }
    const made = await shop.ask(configuration, () => (id === null ? configurations.create(params) : configurations.update(id, params)))
    id = made.id
  }
  shop.told('customer portal', isSame ? 'unchanged' : found === undefined ? 'created' : 'updated', id)
}

function featuresOf({ features }: z.output<typeof configuration>): typeof FEATURES {
  return {
    customer_update: {
      enabled: features.customer_update.enabled,
      allowed_updates: [...(features.customer_update.allowed_updates ?? [])].sort()
    },
    invoice_history: { enabled: features.invoice_history.enabled },
    payment_method_update: { enabled: features.payment_method_update.enabled },
    subscription_cancel: { enabled: features.subscription_cancel.enabled, mode: features.subscription_cancel.mode ?? '' },
    subscription_update: { enabled: features.subscription_update.enabled }
  }
}

const endpoint = z.object({
  object: z.literal('webhook_endpoint'),
  id: z.string(),
  url: z.string(),
  status: z.string(),
  api_version: z.string().nullable(),
  enabled_events: z.array(z.string()),
  secret: z.string().nullish()
})

/** Endpoint: `secret` is that of a new one, which Stripe shows only once; `others` are endpoints of other API versions at the same URL. */
export type Endpoint = { secret: string | null; others: string[] }

/**
 * setUpEndpoint makes the webhook endpoint for `url`, with the event types that Parley acts on. The API version of an endpoint
 * is fixed, so that one of another version stays beside the new one until its last retries are through.
 */
export async function setUpEndpoint(shop: StripeShop, url: string): Promise<Endpoint> {
  const { webhookEndpoints } = shop.stripe
  const existing = (await everyPage(shop, endpoint, (page) => webhookEndpoints.list(page))).filter((one) => one.url === url)
  const found = existing.find((one) => one.api_version === API_VERSION)
  const others = existing.filter((one) => one.api_version !== API_VERSION).map(({ id }) => id)
  const enabled_events = [...HANDLED_TYPES]
  if (found === undefined) {
    const create = () => webhookEndpoints.create({ url, enabled_events, api_version: API_VERSION, description: 'Parley' })
    const made = shop.isDryRun ? null : await shop.ask(endpoint, create)
    shop.told(`webhook endpoint ${url}`, 'created', made?.id ?? null)
    return { secret: made?.secret ?? null, others }
  }
  const isSame = found.status === 'enabled' && [...found.enabled_events].sort().join() === [...HANDLED_TYPES].sort().join()
  if (!isSame && !shop.isDryRun) {
    await shop.ask(endpoint, () => webhookEndpoints.update(found.id, { enabled_events, disabled: false }))
  }
  shop.told(`webhook endpoint ${url}`, isSame ? 'unchanged' : 'updated', found.id)
  return { secret: null, others }
}
