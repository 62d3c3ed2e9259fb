import type { ApiAnswer, ApiRequest } from './processors/api-server.ts'
import { subscriptionEntity } from './razorpay-payloads.ts'

/** SUBSCRIPTION is the path of the one subscription the tests speak about. */
export const SUBSCRIPTION = '/v1/subscriptions/sub_Parley00000001'

/** razorpayError is an error as Razorpay answers it; nearly all have status 400 and this code. */
export function razorpayError(description: string, details: Record<string, unknown> = {}, status = 400): ApiAnswer {
  return { status, body: { error: { code: 'BAD_REQUEST_ERROR', description, source: 'NA', step: 'NA', ...details } } }
}

/** planOf is a plan charged once a month unless said otherwise. */
export function planOf(id: string, period = 'monthly', notes: unknown = []): Record<string, unknown> {
  const item = { id: 'item_Parley0000001', name: id, amount: 1900, unit_amount: 1900, currency: 'USD', type: 'plan' }
  return { id, entity: 'plan', interval: 1, period, item, notes, created_at: 1_769_853_600 }
}

/** listOf is a list as Razorpay answers it. */
export function listOf(items: unknown[]): Record<string, unknown> {
  return { entity: 'collection', count: items.length, items }
}

const INVOICE = {
  id: 'inv_Parley00000001',
  entity: 'invoice',
  subscription_id: 'sub_Parley00000001',
  invoice_number: null,
  status: 'paid',
  amount: 1900,
  currency: 'USD',
  issued_at: 1_769_853_600,
  created_at: 1_769_853_600,
  billing_start: 1_769_853_600,
  billing_end: 1_772_272_800,
  short_url: 'https://rzp.io/i/parley-invoice'
}

const ANSWERS: Record<string, Record<string, unknown>> = {
  'GET /v1/subscriptions': listOf([]),
  'GET /v1/refunds': listOf([]),
  'GET /v1/disputes': listOf([]),
  'GET /v1/invoices': listOf([INVOICE]),
  'GET /v1/invoices/inv_Parley00000001': INVOICE,
  'POST /v1/subscriptions': subscriptionEntity({ status: 'created', customer_id: null }),
  'GET /v1/plans/plan_starter_monthly': planOf('plan_starter_monthly'),
  'GET /v1/plans/plan_growth_monthly': planOf('plan_growth_monthly'),
  'GET /v1/plans/plan_growth_yearly': planOf('plan_growth_yearly', 'yearly'),
  [`GET ${SUBSCRIPTION}`]: subscriptionEntity(),
  [`PATCH ${SUBSCRIPTION}`]: subscriptionEntity({ plan_id: 'plan_growth_monthly' }),
  [`GET ${SUBSCRIPTION}/retrieve_scheduled_changes`]: subscriptionEntity({
    plan_id: 'plan_growth_monthly',
    has_scheduled_changes: true
  }),
  [`POST ${SUBSCRIPTION}/cancel_scheduled_changes`]: subscriptionEntity(),
  [`POST ${SUBSCRIPTION}/cancel`]: subscriptionEntity({ status: 'cancelled' }),
  [`POST ${SUBSCRIPTION}/pause`]: subscriptionEntity({ status: 'paused' }),
  [`POST ${SUBSCRIPTION}/resume`]: subscriptionEntity()
}

/**
 * razorpayAnswering answers as Razorpay does about that one subscription; `changes` are by `METHOD /path` without the query,
 * each the body of a 200 or a whole answer.
 */
export function razorpayAnswering(changes: Record<string, Record<string, unknown> | ApiAnswer> = {}) {
  return ({ method, path }: ApiRequest): ApiAnswer => {
    const line = `${method} ${path.split('?')[0]}`
    const given = changes[line] ?? ANSWERS[line]
    if (given === undefined) return razorpayError('The id provided does not exist')
    if (typeof given === 'string') return given
    return isAnswer(given) ? given : { status: 200, body: given }
  }
}

function isAnswer(given: Record<string, unknown> | ApiAnswer): given is ApiAnswer {
  return typeof given === 'string' || ('body' in given && typeof given['status'] === 'number')
}
