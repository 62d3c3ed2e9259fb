import { createStripe } from '../../../src/billing/processors/stripe/stripe.ts'
import { CHECKOUT, SCHEDULE, stripeAnswering, stripeError, SUBSCRIPTION, subscriptionWith } from '../../support/processors/stripe-api.ts'
import type { ApiScenario } from '../processor-contract-api.ts'

const [subscriptionId, priceId] = ['sub_1Parley', 'price_growth_monthly']
const checkout = {
  accountId: 'org_parley',
  checkoutId: 'co_1',
  customerId: null,
  priceId,
  trialDays: 0,
  returnUrl: 'https://parley.test/billing?checkout=co_1',
  cancelUrl: 'https://parley.test/billing',
  expiresAt: '2026-02-02T10:30:00Z'
}
const scheduled = stripeAnswering({ [`GET ${SUBSCRIPTION}`]: subscriptionWith({ schedule: 'sub_sched_1Parley' }) })
const GET = `GET ${SUBSCRIPTION}`

/** STRIPE_SCENARIO is Stripe's API under the contract. */
export const STRIPE_SCENARIO: ApiScenario = {
  name: 'stripe',
  create: (options) => createStripe({ webhookSecrets: [], apiKey: 'sk_test_parley', ...options }),
  answer: stripeAnswering(),
  authorization: 'Bearer sk_test_parley',
  keyHeader: 'idempotency-key',
  resolutionMs: 1000,
  notFound: stripeError(404, { code: 'resource_missing', message: "No such subscription: 'sub_1Parley'", param: 'id' }),
  unknown: {
    'a fault of Stripe’s': { status: 500, body: { error: { type: 'api_error', message: 'Something went wrong' } } },
    'a rate limit': { status: 429, body: { error: { type: 'invalid_request_error', code: 'rate_limit', message: 'Slow down' } } },
    'a lock': { status: 429, body: { error: { type: 'invalid_request_error', code: 'lock_timeout', message: 'Try again' } } },
    'a key in use': { status: 409, body: { error: { type: 'idempotency_error', code: 'idempotency_key_in_use', message: 'In use' } } },
    // To stripe-node this is a success.
    'not found by something in between': { status: 404, body: { message: 'Not Found' } },
    'a bad gateway': { status: 502, body: { message: 'Bad Gateway' } }
  },
  calls: [
    { name: 'createCheckout', run: (api, key) => api.createCheckout(checkout, key), requests: ['POST /v1/checkout/sessions'], tells: false },
    { name: 'fetchCheckout', run: (api) => api.fetchCheckout('cs_test_1Parley'), requests: [`GET ${CHECKOUT}`], tells: false },
    { name: 'expireCheckout', run: (api) => api.expireCheckout('cs_test_1Parley'), requests: [`POST ${CHECKOUT}/expire`], tells: false },
    {
      name: 'previewChange',
      run: (api) => api.previewChange({ subscriptionId, priceId }),
      requests: [GET, 'POST /v1/invoices/create_preview'],
      tells: false
    },
    {
      name: 'changePlan now',
      run: (api, key) => api.changePlan({ subscriptionId, priceId, when: 'now' }, key),
      requests: [GET, `POST ${SUBSCRIPTION}`, GET],
      tells: true
    },
    {
      name: 'changePlan at the end of the period',
      run: (api, key) => api.changePlan({ subscriptionId, priceId, when: 'period_end' }, key),
      requests: [GET, `GET /v1/prices/${priceId}`, 'POST /v1/subscription_schedules', `POST ${SCHEDULE}`, GET],
      tells: true
    },
    {
      name: 'undoPlanChange',
      run: (api, key) => api.undoPlanChange({ subscriptionId }, key),
      requests: [GET, `POST ${SCHEDULE}/release`, GET],
      answer: scheduled,
      tells: true
    },
    {
      name: 'cancel now',
      run: (api, key) => api.cancel({ subscriptionId, when: 'now' }, key),
      requests: [GET, `DELETE ${SUBSCRIPTION}`, GET],
      tells: true
    },
    {
      name: 'cancel at the end of the period, under a schedule',
      run: (api, key) => api.cancel({ subscriptionId, when: 'period_end' }, key),
      requests: [GET, `POST ${SCHEDULE}/release`, `POST ${SUBSCRIPTION}`, GET],
      answer: scheduled,
      tells: true
    },
    {
      name: 'resume from a planned end',
      run: (api, key) => api.resume({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}`, GET],
      answer: stripeAnswering({ [GET]: subscriptionWith({ cancel_at_period_end: true }) }),
      tells: true
    },
    {
      name: 'resume from a pause',
      run: (api, key) => api.resume({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/resume`, GET],
      answer: stripeAnswering({ [GET]: subscriptionWith({ status: 'paused' }) }),
      tells: true
    },
    { name: 'pause', run: (api, key) => api.pause({ subscriptionId }, key), requests: [GET, `POST ${SUBSCRIPTION}/pause`, GET], tells: true },
    {
      name: 'portal',
      run: (api) => api.portal({ customerId: 'cus_Parley', subscriptionId, returnUrl: 'https://parley.test/billing' }),
      requests: ['GET /v1/billing_portal/configurations', 'POST /v1/billing_portal/sessions'],
      tells: false
    },
    {
      name: 'listInvoices',
      run: (api) => api.listInvoices({ customerId: 'cus_Parley', subscriptionId, limit: 24 }),
      requests: ['GET /v1/invoices', 'GET /v1/charges'],
      tells: false
    },
    {
      name: 'invoiceDocument',
      run: (api) => api.invoiceDocument('in_1Parley', { customerId: 'cus_Parley', subscriptionId }),
      requests: ['GET /v1/invoices/in_1Parley'],
      absence: null,
      tells: false
    },
    { name: 'fetchSubscription', run: (api) => api.fetchSubscription(subscriptionId), requests: [GET], tells: true },
    {
      name: 'listSince',
      run: (api) => api.listSince({ since: '2026-01-31T00:00:00Z', cursor: '1:' }),
      requests: ['GET /v1/events'],
      tells: false
    }
  ]
}
