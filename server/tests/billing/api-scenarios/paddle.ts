import { buildEvent } from '../../../../scripts/webhook/delivery.ts'
import { createPaddle } from '../../../src/billing/processors/paddle/paddle.ts'
import type { ApiAnswer, ApiRequest } from '../../support/processors/api-server.ts'
import { itemOn, transactionOn } from '../../support/processors/paddle-api.ts'
import { patched, scenarioOf } from '../../support/processors/scenario.ts'
import type { ApiScenario } from '../processor-contract-api.ts'

const [subscriptionId, priceId] = ['sub_01parley', 'pri_growth_monthly']
const SUBSCRIPTION = `/subscriptions/${subscriptionId}`
const TRANSACTION = '/transactions/txn_01'
const GET = `GET ${SUBSCRIPTION}`
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

// Of a notification, the subscription is what the API answers with too.
const notification = buildEvent('paddle', scenarioOf('paddle', { event: 'updated' }))
const entity = patched(notification, 'data.items', [itemOn('pri_starter_monthly')]).data
const preview = { ...Object(entity), immediate_transaction: null, update_summary: null }
const urls = { general: { overview: 'https://portal.example/1' }, subscriptions: [] }
const portal = { id: 'cpls_1', customer_id: 'ctm_1', urls }
const pagination = { per_page: 30, next: '', has_more: false, estimated_total: 0 }

const totals = { grand_total: '1900', credit_to_balance: '0' }
const details = { totals, line_items: [], tax_rates_used: [] }
const bill = transactionOn('txn_bill', { status: 'completed', subscription_id: subscriptionId, details })

/** answering is Paddle with one subscription that never changes, which is as good as one that changes at once. */
function answering(subscription: unknown = entity) {
  const transaction = transactionOn('txn_01', { status: 'ready' })
  return ({ method, path }: ApiRequest): ApiAnswer => {
    const [asked = ''] = path.split('?')
    const data = (value: unknown): ApiAnswer => ({ status: 200, body: { data: value, meta: { request_id: 'req', pagination } } })
    if (asked === '/events' || (asked === '/transactions' && method === 'GET')) return data([])
    if (asked.endsWith('/invoice')) return data({ url: 'https://pdf.example/1' })
    if (asked === '/transactions/txn_bill') return data(bill)
    if (asked.startsWith('/transactions')) return data(transaction)
    if (asked.startsWith('/customers/')) return data(portal)
    return data(asked.endsWith('/preview') ? preview : subscription)
  }
}

const planned = { action: 'cancel', effective_at: '2026-02-28T10:00:00.000000Z', resume_at: null }

/** PADDLE_SCENARIO is Paddle's API under the contract. */
export const PADDLE_SCENARIO: ApiScenario = {
  name: 'paddle',
  // One timeout is for all requests of a call here, and a busy machine must get to the second.
  create: ({ timeoutMs, ...options }) => {
    const patienceMs = Math.max(timeoutMs, 250)
    return createPaddle({ webhookSecrets: [], apiKey: 'pdl_parley', environment: 'sandbox', timeoutMs: patienceMs, ...options })
  },
  answer: answering(),
  authorization: 'bearer pdl_parley',
  keyHeader: null,
  resolutionMs: 1,
  notFound: { status: 404, body: { error: { type: 'request_error', code: 'not_found', detail: 'sub_01parley not found' } } },
  unknown: {
    'a fault of Paddle’s': { status: 500, body: { error: { type: 'api_error', code: 'internal_error', detail: 'Oops' } } },
    'a rate limit': { status: 429, body: { error: { type: 'api_error', code: 'too_many_requests', detail: 'Slow down' } } },
    'not found by something in between': { status: 404, body: { message: 'Not Found' } },
    'a bad gateway': { status: 502, body: { message: 'Bad Gateway' } }
  },
  calls: [
    {
      name: 'createCheckout',
      run: (api, key) => api.createCheckout(checkout, key),
      requests: ['GET /transactions', 'POST /transactions'],
      tells: false
    },
    { name: 'fetchCheckout', run: (api) => api.fetchCheckout('txn_01'), requests: [`GET ${TRANSACTION}`], tells: false },
    {
      name: 'expireCheckout',
      run: (api) => api.expireCheckout('txn_01'),
      requests: [`GET ${TRANSACTION}`, `PATCH ${TRANSACTION}`],
      tells: false
    },
    {
      name: 'previewChange',
      run: (api) => api.previewChange({ subscriptionId, priceId }),
      requests: [GET, `PATCH ${SUBSCRIPTION}/preview`],
      tells: false
    },
    {
      name: 'changePlan',
      run: (api, key) => api.changePlan({ subscriptionId, priceId, when: 'now' }, key),
      requests: [GET, `PATCH ${SUBSCRIPTION}`],
      tells: true
    },
    { name: 'undoPlanChange', run: (api, key) => api.undoPlanChange({ subscriptionId }, key), requests: [GET], tells: true },
    {
      name: 'cancel',
      run: (api, key) => api.cancel({ subscriptionId, when: 'period_end' }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/cancel`],
      tells: true
    },
    {
      name: 'resume from a planned end',
      run: (api, key) => api.resume({ subscriptionId }, key),
      requests: [GET, `PATCH ${SUBSCRIPTION}`],
      answer: answering({ ...Object(entity), scheduled_change: planned }),
      tells: true
    },
    {
      name: 'resume from a pause',
      run: (api, key) => api.resume({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/resume`],
      answer: answering({ ...Object(entity), status: 'paused', current_billing_period: null }),
      tells: true
    },
    {
      name: 'pause',
      run: (api, key) => api.pause({ subscriptionId }, key),
      requests: [GET, `POST ${SUBSCRIPTION}/pause`],
      tells: true
    },
    {
      name: 'portal',
      run: (api) => api.portal({ customerId: 'ctm_1', subscriptionId, returnUrl: 'https://parley.test/billing' }),
      requests: ['POST /customers/ctm_1/portal-sessions'],
      tells: false
    },
    {
      name: 'listInvoices',
      run: (api) => api.listInvoices({ customerId: 'ctm_1', subscriptionId, limit: 24 }),
      requests: ['GET /transactions'],
      tells: false
    },
    {
      name: 'invoiceDocument',
      run: (api) => api.invoiceDocument('txn_bill', { customerId: 'ctm_1', subscriptionId }),
      requests: ['GET /transactions/txn_bill', 'GET /transactions/txn_bill/invoice'],
      absence: null,
      tells: false
    },
    { name: 'fetchSubscription', run: (api) => api.fetchSubscription(subscriptionId), requests: [GET], tells: true },
    {
      name: 'listSince',
      run: (api) => api.listSince({ since: '2026-02-01T00:00:00Z', cursor: null }),
      requests: ['GET /events'],
      tells: false
    }
  ]
}
