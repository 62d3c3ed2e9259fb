import { paddleSubscription } from '../../../../scripts/webhook/paddle-events.ts'
import type { Payload } from '../../../../scripts/webhook/scenario.ts'
import { createPaddle } from '../../../src/billing/processors/paddle/paddle.ts'
import type { ProcessorApi } from '../../../src/billing/processor.ts'
import { startApi } from './api-server.ts'
import type { ApiAnswer, ApiRequest } from './api-server.ts'
import { scenarioOf } from './scenario.ts'

/** ASKED_AT is the time at which the calls under test ask. */
export const ASKED_AT = '2026-02-02T09:30:00.250Z'

/**
 * PaddleShop is a small Paddle with one subscription: it does what it is asked at once, counts what it charged, and answers
 * with whole entities. `refuse` answers the next request of a method with an error instead; `lose` does what is asked and
 * loses the answer.
 */
export type PaddleShop = {
  api: ProcessorApi
  url: string
  requests: ApiRequest[]
  subscription: Payload
  transactions: Payload[]
  events: Payload[]
  charges: number
  refuse(method: string, status: number, code: string, type?: string): void
  lose(method: string): void
  silence(method: string): void
  stop(): Promise<void>
}

/** startPaddle runs the shop and the calls against it. */
export async function startPaddle(subscription: Payload = {}, timeoutMs = 5_000): Promise<PaddleShop> {
  const faults: { method: string; fault: ApiAnswer }[] = []
  const server = await startApi((request) => {
    const index = faults.findIndex(({ method }) => method === request.method)
    const fault = index === -1 ? undefined : faults.splice(index, 1)[0]?.fault
    if (fault !== undefined && fault !== 'lost') return fault
    const answer = answerOf(shop, request)
    return fault ?? answer
  })
  const { api } = createPaddle({
    webhookSecrets: [],
    apiKey: 'pdl_parley',
    environment: 'sandbox',
    apiUrl: server.url,
    timeoutMs,
    nowMs: () => Date.parse(ASKED_AT)
  })
  if (api === null) throw new Error('the processor has no API')
  const shop: PaddleShop = {
    api,
    url: server.url,
    requests: server.requests,
    subscription: { ...paddleSubscription(scenarioOf('paddle', { event: 'updated' })), ...subscription },
    transactions: [],
    events: [],
    charges: 0,
    refuse: (method, status, code, type = 'request_error') => faults.push({ method, fault: failed(status, code, type) }),
    lose: (method) => faults.push({ method, fault: 'lost' }),
    silence: (method) => faults.push({ method, fault: 'silent' }),
    stop: server.stop
  }
  return shop
}

/** asked lists what was sent, as `METHOD path`, with the body where there is one. */
export function asked(shop: PaddleShop): unknown[] {
  return shop.requests.map(({ method, path, body }) => [`${method} ${path}`, ...(body ? [JSON.parse(body)] : [])])
}

/** itemOn is a subscription's item for a price. */
export function itemOn(priceId: string, changes: Payload = {}): Payload {
  const [item] = paddleSubscription({ ...scenarioOf('paddle'), priceId }).items as Payload[]
  return { ...item, ...changes }
}

/** transactionOn is a transaction entity as a checkout begins with. */
export function transactionOn(id: string, changes: Payload = {}): Payload {
  return {
    id,
    status: 'draft',
    customer_id: null,
    address_id: null,
    business_id: null,
    custom_data: null,
    currency_code: 'USD',
    origin: 'api',
    subscription_id: null,
    invoice_id: null,
    invoice_number: null,
    collection_mode: 'automatic',
    discount_id: null,
    billing_details: null,
    billing_period: null,
    items: [],
    details: null,
    payments: [],
    checkout: { url: `https://parley.example/pay?_ptxn=${id}` },
    created_at: '2026-02-02T09:30:00.000000Z',
    updated_at: '2026-02-02T09:30:00.000000Z',
    billed_at: null,
    ...changes
  }
}

function failed(status: number, code: string, type: string): ApiAnswer {
  return { status, body: { error: { type, code, detail: `told of sub_01parley: ${code}` }, meta: { request_id: 'req' } } }
}

function data(value: unknown, status = 200): ApiAnswer {
  return { status, body: { data: value, meta: { request_id: 'req' } } }
}

function page(entities: Payload[], url: URL, idField: string): ApiAnswer {
  const after = url.searchParams.get('after')
  const size = Number(url.searchParams.get('per_page'))
  const rest = after === null ? entities : entities.slice(entities.findIndex((entity) => entity[idField] === after) + 1)
  const pagination = { per_page: size, next: url.href, has_more: rest.length > size, estimated_total: rest.length }
  return { status: 200, body: { data: rest.slice(0, size), meta: { request_id: 'req', pagination } } }
}

function answerOf(shop: PaddleShop, { method, path, body }: ApiRequest): ApiAnswer {
  const url = new URL(path, shop.url)
  const [, kind, id, action] = url.pathname.split('/')
  const given = (body ? JSON.parse(body) : {}) as Payload
  if (kind === 'events') return page(shop.events, url, 'event_id')
  if (kind === 'customers' && action === 'portal-sessions') return data(portalSession(id ?? ''), 201)
  if (kind === 'transactions') return aboutTransaction(shop, method, id, given, url)
  if (kind === 'subscriptions' && id === shop.subscription.id) return aboutSubscription(shop, method, action, given)
  return failed(404, 'not_found', 'request_error')
}

function aboutTransaction(shop: PaddleShop, method: string, id: string | undefined, given: Payload, url: URL): ApiAnswer {
  if (id === undefined && method === 'GET') return page(shop.transactions, url, 'id')
  if (id === undefined) {
    const made = transactionOn(`txn_0${shop.transactions.length + 1}`, {
      custom_data: given.custom_data,
      customer_id: given.customer_id ?? null
    })
    shop.transactions.unshift(made)
    return data(made, 201)
  }
  const known = shop.transactions.find((transaction) => transaction.id === id)
  if (known === undefined) return failed(404, 'not_found', 'request_error')
  if (method === 'PATCH' && known.status === 'draft') return failed(400, 'transaction_invalid_status_change', 'request_error')
  return data(Object.assign(known, given))
}

function aboutSubscription(shop: PaddleShop, method: string, action: string | undefined, given: Payload): ApiAnswer {
  const { subscription } = shop
  const effective_at = '2026-02-28T10:00:00.000000Z'
  if (method !== 'GET' && action !== 'preview') {
    if (subscription.status === 'canceled') return failed(400, 'subscription_update_when_canceled', 'request_error')
    if (given.items) {
      const [item] = given.items as Payload[]
      subscription.items = [itemOn(String(item?.price_id))]
      if (given.proration_billing_mode === 'prorated_immediately') shop.charges += 1
    }
    if (given.scheduled_change === null) subscription.scheduled_change = null
    if (action === 'resume') Object.assign(subscription, { status: 'active', scheduled_change: null })
    if (action === 'resume') shop.charges += 1
    if (action === 'pause') Object.assign(subscription, { status: 'paused', current_billing_period: null })
    if (action === 'cancel' && given.effective_from === 'immediately') {
      Object.assign(subscription, { status: 'canceled', current_billing_period: null })
    } else if (action === 'cancel') subscription.scheduled_change = { action: 'cancel', effective_at, resume_at: null }
  }
  return data(subscription)
}

function portalSession(customerId: string): Payload {
  return {
    id: 'cpls_01parley',
    customer_id: customerId,
    urls: { general: { overview: `https://customer-portal.example/${customerId}` }, subscriptions: [] },
    created_at: '2026-02-02T09:30:00.000000Z'
  }
}
