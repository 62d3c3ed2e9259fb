import { z } from 'zod'
import type { ApiRequest, ApiRoute } from './api.ts'
import { invalid } from './fault.ts'
import { anything, emptyable, flag, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderEndpoint } from './render-catalog.ts'
import { find, now, recentEvents } from './shop.ts'
import type { Json, JsonObject } from './shop.ts'
import type { EndpointRecord } from './state.ts'

const ENDPOINT = {
  url: z.url(),
  enabled_events: z.array(words).min(1),
  description: emptyable.optional(),
  metadata: metadata.optional()
}

/** ACCOUNT_ROUTES are the account itself, its list of events, and where it sends them. */
export const ACCOUNT_ROUTES: ApiRoute[] = [
  { method: 'get', path: '/v1/account', answer: account },
  { method: 'get', path: '/v1/events', answer: listEvents },
  {
    method: 'get',
    path: '/v1/events/:id',
    answer: ({ shop, id }) => parsed(recentEvents(shop).find((event) => event.id === id) ?? find({}, 'event', id))
  },
  {
    method: 'post',
    path: '/v1/webhook_endpoints',
    answer({ shop, form }) {
      const asked = parameters({ ...ENDPOINT, api_version: words.optional(), connect: anything }, form)
      const one: EndpointRecord = {
        id: shop.world.id('we_'),
        url: asked.url,
        enabledEvents: asked.enabled_events,
        apiVersion: asked.api_version ?? null,
        description: asked.description ?? null,
        status: 'enabled',
        metadata: merged({}, asked.metadata),
        created: now(shop)
      }
      shop.state.endpoints[one.id] = one
      return renderEndpoint(one, `whsec_${shop.world.id('', 32)}`)
    }
  },
  {
    method: 'get',
    path: '/v1/webhook_endpoints/:id',
    answer: ({ shop, id }) => renderEndpoint(find(shop.state.endpoints, 'webhook endpoint', id))
  },
  {
    method: 'get',
    path: '/v1/webhook_endpoints',
    answer({ shop, form }) {
      const asked = parameters(LISTING, form)
      return page('/v1/webhook_endpoints', 'webhook endpoint', Object.values(shop.state.endpoints), asked, (one) =>
        renderEndpoint(one)
      )
    }
  },
  {
    method: 'post',
    path: '/v1/webhook_endpoints/:id',
    answer({ shop, id, form }) {
      const one = find(shop.state.endpoints, 'webhook endpoint', id)
      const asked = parameters(
        {
          ...ENDPOINT,
          url: ENDPOINT.url.optional(),
          enabled_events: ENDPOINT.enabled_events.optional(),
          disabled: flag.optional()
        },
        form
      )
      one.url = asked.url ?? one.url
      one.enabledEvents = asked.enabled_events ?? one.enabledEvents
      if (asked.description !== undefined) one.description = asked.description
      if (asked.disabled !== undefined) one.status = asked.disabled ? 'disabled' : 'enabled'
      one.metadata = merged(one.metadata, asked.metadata)
      return renderEndpoint(one)
    }
  },
  {
    method: 'delete',
    path: '/v1/webhook_endpoints/:id',
    answer({ shop, id }) {
      find(shop.state.endpoints, 'webhook endpoint', id)
      delete shop.state.endpoints[id]
      return { id, object: 'webhook_endpoint', deleted: true }
    }
  }
]

function account(): JsonObject {
  return {
    id: 'acct_offlinetwin',
    object: 'account',
    country: 'US',
    default_currency: 'usd',
    charges_enabled: true,
    details_submitted: true,
    payouts_enabled: true,
    type: 'standard'
  }
}

function parsed({ body }: { body: string }): JsonObject {
  const event: JsonObject = JSON.parse(body)
  return event
}

function listEvents({ shop, form }: ApiRequest): JsonObject {
  const asked = parameters(
    { ...LISTING, type: words.optional(), types: z.array(words).max(20).optional(), delivery_success: anything },
    form
  )
  if (asked.type !== undefined && asked.types) throw invalid('You may only specify one of these parameters: type, types.', 'type')
  // `customer.*` stands for all that begin with `customer.`.
  const wanted = asked.types ?? (asked.type === undefined ? null : [asked.type])
  const fits = (type: string): boolean =>
    wanted === null ||
    wanted.some((one) => one === type || one === '*' || (one.endsWith('.*') && type.startsWith(one.slice(0, -1))))
  return page(
    '/v1/events',
    'event',
    recentEvents(shop).filter(({ type }) => fits(type)),
    asked,
    (event): Json => parsed(event)
  )
}
