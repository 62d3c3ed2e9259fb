import { createRazorpay } from '../../../src/billing/processors/razorpay/razorpay.ts'
import { razorpayAnswering, razorpayError, SUBSCRIPTION } from '../../support/razorpay-api.ts'
import { subscriptionEntity, unpaidEntity } from '../../support/razorpay-payloads.ts'
import type { ApiScenario } from '../processor-contract-api.ts'

const [subscriptionId, priceId] = ['sub_Parley00000001', 'plan_growth_monthly']
const checkout = {
  accountId: 'org_parley',
  checkoutId: 'co_1',
  customerId: null,
  priceId,
  trialDays: 14,
  returnUrl: 'https://parley.test/billing?checkout=co_1',
  cancelUrl: 'https://parley.test/billing',
  expiresAt: '2026-02-02T10:30:00Z'
}
const GET = `GET ${SUBSCRIPTION}`
const PLAN = `GET /v1/plans/${priceId}`
const scheduled = razorpayAnswering({ [GET]: subscriptionEntity({ has_scheduled_changes: true }) })

/** RAZORPAY_SCENARIO is Razorpay's API under the contract. */
export const RAZORPAY_SCENARIO: ApiScenario = {
  name: 'razorpay',
  create: (options) => createRazorpay({ webhookSecrets: [], keyId: 'rzp_test_parley', keySecret: 'secret', ...options }),
  answer: razorpayAnswering(),
  authorization: `Basic ${Buffer.from('rzp_test_parley:secret').toString('base64')}`,
  keyHeader: null,
  resolutionMs: 1000,
  notFound: razorpayError('The id provided does not exist', { reason: 'input_validation_failed' }),
  unknown: {
    'a fault of Razorpay’s': { status: 500, body: { error: { code: 'SERVER_ERROR', description: 'We are in trouble' } } },
    'a bank in trouble': { status: 502, body: { error: { code: 'GATEWAY_ERROR', description: 'Payment failed' } } },
    'a rate limit': razorpayError('Too many requests', {}, 429),
    'not found by something in between': { status: 404, body: { message: 'Not Found' } }
  },
  calls: [
    {
      name: 'createCheckout',
      run: (api, key) => api.createCheckout(checkout, key),
      requests: ['GET /v1/subscriptions', PLAN, 'POST /v1/subscriptions'],
      tells: false
    },
    { name: 'fetchCheckout', run: (api) => api.fetchCheckout(subscriptionId), requests: [GET], tells: false },
    {
      name: 'expireCheckout',
      run: (api) => api.expireCheckout(subscriptionId),
      requests: [GET, `POST ${SUBSCRIPTION}/cancel`],
      answer: razorpayAnswering({
        [GET]: unpaidEntity(),
        [`POST ${SUBSCRIPTION}/cancel`]: unpaidEntity({ status: 'cancelled' })
      }),
      tells: false
    },
    {
      name: 'changePlan now',
      run: (api, key) => api.changePlan({ subscriptionId, priceId, when: 'now' }, key),
      requests: [GET, PLAN, `PATCH ${SUBSCRIPTION}`, GET],
      tells: true
    },
    {
      name: 'changePlan at the end of the period',
      run: (api, key) => api.changePlan({ subscriptionId, priceId, when: 'period_end' }, key),
      requests: [GET, PLAN, `PATCH ${SUBSCRIPTION}`, GET],
      tells: true
    },
    {
      name: 'changePlan at the end of the period, planned already',
      run: (api, key) => api.changePlan({ subscriptionId, priceId, when: 'period_end' }, key),
      requests: [GET, `GET ${SUBSCRIPTION}/retrieve_scheduled_changes`, GET],
      answer: scheduled,
      tells: true
    },
    {
      name: 'undoPlanChange',
      run: (api, key) => api.undoPlanChange({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/cancel_scheduled_changes`, GET],
      answer: scheduled,
      tells: true
    },
    {
      name: 'cancel now',
      run: (api, key) => api.cancel({ subscriptionId, when: 'now' }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/cancel`],
      tells: true
    },
    {
      name: 'cancel at the end of the period',
      run: (api, key) => api.cancel({ subscriptionId, when: 'period_end' }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/cancel`],
      tells: true
    },
    {
      name: 'resume',
      run: (api, key) => api.resume({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/resume`, GET],
      answer: razorpayAnswering({ [GET]: subscriptionEntity({ status: 'paused' }) }),
      tells: true
    },
    {
      name: 'pause',
      run: (api, key) => api.pause({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/pause`, GET],
      tells: true
    },
    {
      name: 'portal',
      run: (api) => api.portal({ customerId: 'cust_Parley0000001', subscriptionId, returnUrl: 'https://parley.test' }),
      requests: [GET],
      tells: false
    },
    {
      name: 'listInvoices',
      run: (api) => api.listInvoices({ customerId: null, subscriptionId, limit: 24 }),
      requests: ['GET /v1/invoices'],
      tells: false
    },
    {
      name: 'invoiceDocument',
      run: (api) => api.invoiceDocument('inv_Parley00000001', { customerId: null, subscriptionId }),
      requests: ['GET /v1/invoices/inv_Parley00000001'],
      absence: null,
      tells: false
    },
    { name: 'fetchSubscription', run: (api) => api.fetchSubscription(subscriptionId), requests: [GET], tells: true },
    {
      name: 'listSince',
      run: (api) => api.listSince({ since: '2026-01-31T00:00:00Z', cursor: 'subscriptions:100' }),
      requests: ['GET /v1/subscriptions'],
      tells: false
    }
  ]
}
