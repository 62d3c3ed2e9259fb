import { afterEach, describe, expect, test } from '@jest/globals'
import type { Payload } from '../../../scripts/webhook/scenario.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer, ApiRequest } from '../support/processors/api-server.ts'
import { transactionOn } from '../support/processors/paddle-api.ts'
import { invoiceWith, stripeAnswering } from '../support/processors/stripe-api.ts'
import { listOf, razorpayAnswering } from '../support/razorpay-api.ts'
import { PADDLE_SCENARIO } from './api-scenarios/paddle.ts'
import { RAZORPAY_SCENARIO } from './api-scenarios/razorpay.ts'
import { STRIPE_SCENARIO } from './api-scenarios/stripe.ts'
import type { ApiScenario } from './processor-contract-api.ts'

const NOW_MS = Date.parse('2026-02-10T00:00:00Z')
const DAY_SECONDS = 86_400
const NONE = { invoices: [], hasMore: false }
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function ask(scenario: ApiScenario, answer: (request: ApiRequest) => ApiAnswer) {
  const server = await startApi(answer)
  stops.push(server.stop)
  const { api } = scenario.create({ apiUrl: server.url, timeoutMs: 5_000, nowMs: () => NOW_MS })
  if (api === null) throw new Error('the processor has no API')
  const queries = () => server.requests.map(({ path }) => Object.fromEntries(new URL(path, server.url).searchParams))
  return { api, queries }
}

describe('Stripe', () => {
  const OWNER = { customerId: 'cus_Parley', subscriptionId: 'sub_1Parley' }
  const list = (...data: Payload[]) => ({ object: 'list', data, has_more: false })

  async function listed(changes: Payload) {
    const { api } = await ask(STRIPE_SCENARIO, stripeAnswering({ 'GET /v1/invoices': list(invoiceWith(changes)) }))
    return (await api.listInvoices({ ...OWNER, limit: 24 })).invoices[0]
  }

  test.each([
    ['an open one that nobody tried to collect', { status: 'open', attempted: false }, 'open'],
    ['an open one that was tried in vain', { status: 'open', attempted: true }, 'past_due'],
    ['an open one due tomorrow', { status: 'open', attempted: false, due_date: NOW_MS / 1000 + DAY_SECONDS }, 'open'],
    ['an open one due yesterday', { status: 'open', attempted: false, due_date: NOW_MS / 1000 - DAY_SECONDS }, 'past_due'],
    ['a draft', { status: 'draft', attempted: false, number: null }, 'draft'],
    ['one given up', { status: 'uncollectible' }, 'uncollectible'],
    ['one taken back', { status: 'void' }, 'void']
  ])('calls %s what it is', async (_title, changes, status) => {
    expect(await listed(changes)).toMatchObject({ status })
  })

  test('takes what is to be paid, and what is credited where nothing is', async () => {
    expect(await listed({ total: 1900, amount_due: 400 })).toMatchObject({ totalMinor: 400, currency: 'USD' })
    expect(await listed({ total: -1500, amount_due: 0 })).toMatchObject({ totalMinor: -1500 })
  })

  test('takes the period of the new whole period, not that of a proration or of metered usage before it', async () => {
    const line = (start: string, end: string, proration: boolean) => ({
      period: { start: Date.parse(start) / 1000, end: Date.parse(end) / 1000 },
      parent: { type: 'subscription_item_details', subscription_item_details: { proration } }
    })
    const proration = line('2026-01-15T00:00:00Z', '2027-01-01T00:00:00Z', true)
    const metered = line('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', false)
    const whole = line('2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z', false)
    expect(await listed({ lines: list(proration, metered, whole) })).toMatchObject({
      periodStart: '2026-02-01T00:00:00.000Z',
      periodEnd: '2026-03-01T00:00:00.000Z'
    })
    expect(await listed({ lines: list(proration) })).toMatchObject({ periodStart: '2026-01-15T00:00:00.000Z' })
    expect(await listed({ lines: list() })).toMatchObject({ periodStart: null, periodEnd: null })
  })

  test('asks by customer, else by subscription, and for charges only where something was paid', async () => {
    const unpaid = stripeAnswering({ 'GET /v1/invoices': list(invoiceWith({ status: 'open' })) })
    const { api, queries } = await ask(STRIPE_SCENARIO, unpaid)
    await api.listInvoices({ ...OWNER, limit: 24 })
    await api.listInvoices({ ...OWNER, customerId: null, limit: 5 })
    expect(queries()).toEqual([
      { customer: 'cus_Parley', limit: '24', 'expand[0]': 'data.payments' },
      { subscription: 'sub_1Parley', limit: '5', 'expand[0]': 'data.payments' }
    ])
  })

  test.each([
    ['the PDF where there is one', {}, { url: 'https://pay.stripe.com/invoice/1/pdf', kind: 'pdf' }],
    ['else the page', { invoice_pdf: null }, { url: 'https://invoice.stripe.com/i/1', kind: 'page' }],
    ['nothing of a draft', { invoice_pdf: null, hosted_invoice_url: null }, null],
    ['nothing of another customer', { customer: 'cus_Other' }, null],
    ['nothing of no customer', { customer: null }, null]
  ])('gives %s', async (_title, changes, document) => {
    const { api } = await ask(STRIPE_SCENARIO, stripeAnswering({ 'GET /v1/invoices/in_1Parley': invoiceWith(changes) }))
    expect(await api.invoiceDocument('in_1Parley', OWNER)).toEqual(document)
  })

  test('gives no address that is no web page', async () => {
    const answer = stripeAnswering({ 'GET /v1/invoices/in_1Parley': invoiceWith({ invoice_pdf: 'javascript:alert(1)' }) })
    const { api } = await ask(STRIPE_SCENARIO, answer)
    await expect(api.invoiceDocument('in_1Parley', OWNER)).rejects.toThrow(AnswerUnknown)
  })
})

describe('Paddle', () => {
  const OWNER = { customerId: 'ctm_1', subscriptionId: 'sub_01parley' }
  const meta = { request_id: 'req', pagination: { per_page: 24, next: '', has_more: false, estimated_total: 1 } }
  const detailsOf = (grand_total: string, credit_to_balance = '0') => ({
    totals: { grand_total, credit_to_balance },
    line_items: [],
    tax_rates_used: []
  })
  const bill = (changes: Payload) =>
    transactionOn('txn_1', { status: 'completed', subscription_id: 'sub_01parley', details: detailsOf('1900'), ...changes })

  async function listed(changes: Payload) {
    const { api } = await ask(PADDLE_SCENARIO, () => ({ status: 200, body: { data: [bill(changes)], meta } }))
    return (await api.listInvoices({ ...OWNER, limit: 24 })).invoices[0]
  }

  test('asks for the bills of the subscription, the newest first, without checkouts and changes of cards', async () => {
    const { api, queries } = await ask(PADDLE_SCENARIO, () => ({ status: 200, body: { data: [], meta } }))
    await api.listInvoices({ ...OWNER, limit: 24 })
    expect(await api.listInvoices({ customerId: 'ctm_1', subscriptionId: null, limit: 24 })).toEqual(NONE)
    expect(queries()).toEqual([
      {
        subscription_id: 'sub_01parley',
        status: 'billed,paid,completed,past_due,canceled',
        origin: 'api,web,subscription_recurring,subscription_update,subscription_charge',
        order_by: 'id[DESC]',
        per_page: '24',
        include: 'adjustment'
      }
    ])
  })

  test.each([
    ['billed', { status: 'billed' }, { status: 'open', hasDocument: false }],
    ['billed by hand', { status: 'billed', collection_mode: 'manual' }, { status: 'open', hasDocument: true }],
    ['paid', { status: 'paid' }, { status: 'paid', hasDocument: false }],
    ['completed', {}, { status: 'paid', hasDocument: true, totalMinor: 1900 }],
    ['past due', { status: 'past_due' }, { status: 'past_due', hasDocument: false }],
    ['canceled', { status: 'canceled' }, { status: 'void', hasDocument: false }],
    ['completed over nothing', { details: detailsOf('0') }, { status: 'paid', hasDocument: false, totalMinor: 0 }],
    ['completed with a credit', { details: detailsOf('0', '1500') }, { status: 'paid', hasDocument: false, totalMinor: -1500 }]
  ])('words a transaction that is %s', async (_title, changes, expected) => {
    expect(await listed(changes)).toMatchObject(expected)
  })

  test.each([
    ['one that is approved, of all', [['refund', 'approved', '1900']], 'refunded'],
    ['two that come to all', [['refund', 'approved', '900'], ['refund', 'approved', '1000']], 'refunded'],
    ['one of a part', [['refund', 'approved', '1899']], 'paid'],
    ['one that waits', [['refund', 'pending_approval', '1900']], 'paid'],
    ['one that was rejected', [['refund', 'rejected', '1900']], 'paid'],
    ['a credit', [['credit', 'approved', '1900']], 'paid']
  ])('a refund shows by its adjustments: %s', async (_title, given, status) => {
    const adjustments = given.map(([action, state, total]) => ({ action, status: state, items: [], totals: { total } }))
    expect(await listed({ adjustments })).toMatchObject({ status })
  })

  test('gives the PDF of a bill of the subscription, and does not ask for one of another', async () => {
    const answering = (changes: Payload) => ({ path }: ApiRequest): ApiAnswer => {
      const data = path.includes('/invoice') ? { url: 'https://pdf.example/1' } : bill(changes)
      return { status: 200, body: { data, meta } }
    }
    const mine = await ask(PADDLE_SCENARIO, answering({}))
    expect(await mine.api.invoiceDocument('txn_1', OWNER)).toEqual({ url: 'https://pdf.example/1', kind: 'pdf' })
    expect(mine.queries()[1]).toEqual({ disposition: 'inline' })
    const others = [{ subscription_id: 'sub_01other' }, { subscription_id: null }, { status: 'draft' }, { status: 'past_due' }]
    for (const changes of others) {
      const { api, queries } = await ask(PADDLE_SCENARIO, answering(changes))
      expect([changes, await api.invoiceDocument('txn_1', OWNER), queries().length]).toEqual([changes, null, 1])
    }
  })
})

describe('Razorpay', () => {
  const OWNER = { customerId: null, subscriptionId: 'sub_Parley00000001' }
  const invoice = (changes: Payload): Payload => ({
    id: 'inv_1',
    entity: 'invoice',
    subscription_id: 'sub_Parley00000001',
    status: 'paid',
    amount: 1900,
    currency: 'USD',
    issued_at: 1_769_853_600,
    created_at: 1_769_853_600,
    short_url: 'https://rzp.io/i/1',
    ...changes
  })

  test.each([
    ['draft', 'draft'],
    ['issued', 'open'],
    ['partially_paid', 'open'],
    ['paid', 'paid'],
    ['cancelled', 'void'],
    ['expired', 'void'],
    ['deleted', 'void']
  ])('%s is %s', async (status, expected) => {
    const { api } = await ask(RAZORPAY_SCENARIO, razorpayAnswering({ 'GET /v1/invoices': listOf([invoice({ status })]) }))
    const { invoices } = await api.listInvoices({ ...OWNER, limit: 24 })
    expect(invoices).toMatchObject([{ status: expected, number: null, periodStart: null, issuedAt: '2026-01-31T10:00:00.000Z' }])
  })

  test('asks for one more of the subscription than it gives, to know whether there are more', async () => {
    const items = [1, 3, 2].map((number) => invoice({ id: `inv_${number}`, issued_at: 1_769_853_600 + number }))
    const { api, queries } = await ask(RAZORPAY_SCENARIO, razorpayAnswering({ 'GET /v1/invoices': listOf(items) }))
    const newest = [{ id: 'inv_3' }, { id: 'inv_2' }]
    expect(await api.listInvoices({ ...OWNER, limit: 2 })).toMatchObject({ invoices: newest, hasMore: true })
    expect(await api.listInvoices({ ...OWNER, limit: 3 })).toMatchObject({ hasMore: false })
    expect(await api.listInvoices({ customerId: 'cust_1', subscriptionId: null, limit: 3 })).toEqual(NONE)
    const subscription_id = 'sub_Parley00000001'
    expect(queries()).toMatchObject([{ subscription_id, count: '3' }, { subscription_id, count: '4' }])
  })

  test.each([
    ['its page', {}, { url: 'https://rzp.io/i/1', kind: 'page' }],
    ['nothing without one', { short_url: null }, null],
    ['nothing of another subscription', { subscription_id: 'sub_Other000000001' }, null],
    ['nothing of no subscription', { subscription_id: null }, null]
  ])('gives %s', async (_title, changes, document) => {
    const { api } = await ask(RAZORPAY_SCENARIO, razorpayAnswering({ 'GET /v1/invoices/inv_1': invoice(changes) }))
    expect(await api.invoiceDocument('inv_1', OWNER)).toEqual(document)
  })
})
