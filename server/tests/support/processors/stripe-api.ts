import { buildEvent } from '../../../../scripts/webhook/delivery.ts'
import type { Payload } from '../../../../scripts/webhook/scenario.ts'
import { stripeSubscription } from '../../../../scripts/webhook/stripe-events.ts'
import type { ApiAnswer, ApiRequest } from './api-server.ts'
import { scenarioOf } from './scenario.ts'

/** StripeAnswers are by `METHOD /path` without the query; each is a body for 200, or a whole answer. */
export type StripeAnswers = Record<string, Payload | ApiAnswer>

/** SUBSCRIPTION is the path of the one subscription the tests speak about. */
export const SUBSCRIPTION = '/v1/subscriptions/sub_1Parley'
/** SCHEDULE is the path of the schedule it can be under. */
export const SCHEDULE = '/v1/subscription_schedules/sub_sched_1Parley'
/** CHECKOUT is the path of its checkout. */
export const CHECKOUT = '/v1/checkout/sessions/cs_test_1Parley'

/** subscriptionWith is the subscription as the API gives it, with these fields changed. */
export function subscriptionWith(changes: Payload = {}): Payload {
  return { ...stripeSubscription(scenarioOf('stripe')), ...changes }
}

/** stripeError is an error as Stripe answers it. */
export function stripeError(status: number, error: Payload): ApiAnswer {
  return { status, body: { error: { type: status === 402 ? 'card_error' : 'invalid_request_error', ...error } } }
}

/** checkoutWith is a checkout session as the API gives it, open unless changed. */
export function checkoutWith(changes: Payload = {}): Payload {
  const url = 'https://checkout.stripe.com/c/pay/cs_test_1Parley'
  return { id: 'cs_test_1Parley', object: 'checkout.session', status: 'open', url, subscription: null, customer: null, ...changes }
}

const RUNNING = { start_date: 1_769_853_600, end_date: 1_772_272_800 }

/** scheduleWith is the schedule as Stripe makes it from the subscription: one phase, the running period. */
export function scheduleWith(phase: Payload = {}): Payload {
  const running = { ...RUNNING, items: [{ price: 'price_starter_monthly', quantity: 1 }], trial_end: null, discounts: [], ...phase }
  return { id: 'sub_sched_1Parley', object: 'subscription_schedule', current_phase: RUNNING, phases: [running], status: 'active' }
}

const INVOICE: Payload = {
  id: 'in_1Parley',
  object: 'invoice',
  customer: 'cus_Parley',
  parent: { type: 'subscription_details', subscription_details: { subscription: 'sub_1Parley', metadata: null } },
  number: 'PARLEY-0001',
  status: 'paid',
  total: 1900,
  amount_due: 1900,
  currency: 'usd',
  created: RUNNING.start_date,
  status_transitions: { finalized_at: RUNNING.start_date },
  attempted: true,
  due_date: null,
  invoice_pdf: 'https://pay.stripe.com/invoice/1/pdf',
  hosted_invoice_url: 'https://invoice.stripe.com/i/1',
  lines: {
    object: 'list',
    data: [
      {
        period: { start: RUNNING.start_date, end: RUNNING.end_date },
        parent: { type: 'subscription_item_details', subscription_item_details: { proration: false } }
      }
    ]
  }
}

/** invoiceWith is an invoice as the API gives it, paid unless changed; in lists with its payments. */
export function invoiceWith(changes: Payload = {}): Payload {
  return { ...INVOICE, ...changes }
}

const PAYMENTS = { object: 'list', data: [{ payment: { type: 'payment_intent', payment_intent: 'pi_1Parley' } }] }

const ANSWERS: StripeAnswers = {
  [`GET ${SUBSCRIPTION}`]: subscriptionWith(),
  [`POST ${SUBSCRIPTION}`]: subscriptionWith(),
  [`DELETE ${SUBSCRIPTION}`]: subscriptionWith({ status: 'canceled' }),
  [`POST ${SUBSCRIPTION}/pause`]: subscriptionWith({ status: 'paused' }),
  [`POST ${SUBSCRIPTION}/resume`]: subscriptionWith(),
  'POST /v1/checkout/sessions': checkoutWith(),
  [`GET ${CHECKOUT}`]: checkoutWith({ status: 'complete', url: null, subscription: 'sub_1Parley', customer: 'cus_Parley' }),
  [`POST ${CHECKOUT}/expire`]: checkoutWith({ status: 'expired', url: null }),
  'POST /v1/invoices/create_preview': { id: 'upcoming_in_1', object: 'invoice', total: 5800, amount_due: 5800, currency: 'usd' },
  'GET /v1/prices/price_growth_monthly': {
    id: 'price_growth_monthly',
    object: 'price',
    recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' }
  },
  'POST /v1/subscription_schedules': scheduleWith(),
  [`GET ${SCHEDULE}`]: scheduleWith(),
  [`POST ${SCHEDULE}`]: scheduleWith(),
  [`POST ${SCHEDULE}/release`]: { ...scheduleWith(), status: 'released' },
  'GET /v1/billing_portal/configurations': { object: 'list', data: [], has_more: false },
  'POST /v1/billing_portal/sessions': { id: 'bps_1', object: 'billing_portal.session', url: 'https://billing.stripe.com/p/session/test_1' },
  'GET /v1/invoices': { object: 'list', data: [invoiceWith({ payments: PAYMENTS })], has_more: false },
  'GET /v1/invoices/in_1Parley': invoiceWith(),
  'GET /v1/charges': { object: 'list', data: [{ id: 'ch_1Parley', payment_intent: 'pi_1Parley', refunded: false }], has_more: false },
  'GET /v1/events': { object: 'list', data: [buildEvent('stripe', scenarioOf('stripe'))], has_more: false }
}

/** stripeAnswering answers as Stripe does about one subscription, or as `changes` say; everything else is not found. */
export function stripeAnswering(changes: StripeAnswers = {}): (request: ApiRequest) => ApiAnswer {
  return ({ method, path }) => {
    const line = `${method} ${path.split('?')[0]}`
    // Looked up for each request: a getter can answer differently each time.
    const given = line in changes ? changes[line] : ANSWERS[line]
    if (given === undefined) return stripeError(404, { code: 'resource_missing', message: `No such object: 'sub_other'`, param: 'id' })
    if (given === 'silent' || given === 'lost') return given
    return isAnswer(given) ? given : { status: 200, body: given }
  }
}

function isAnswer(given: Payload | Exclude<ApiAnswer, string>): given is Exclude<ApiAnswer, string> {
  return typeof given['status'] === 'number'
}
