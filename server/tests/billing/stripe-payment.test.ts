import { describe, expect, test } from '@jest/globals'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import type { Payload, Scenario } from '../../../scripts/webhook/scenario.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { patched, scenarioOf } from '../support/processors/scenario.ts'

const { normalise } = createStripe({ webhookSecrets: [], apiKey: null })
const SHAPES = ['old', 'current'] as const

function built(changes: Partial<Scenario> = {}): Payload {
  return buildEvent('stripe', scenarioOf('stripe', { event: 'paid', ...changes }))
}
function eventOf(payload: Payload) {
  const result = normalise(JSON.stringify(payload))
  if (result.outcome !== 'event') throw new Error(`${result.outcome}: ${result.reason}`)
  return result.event
}
function reasonOf(payload: Payload): string {
  const result = normalise(JSON.stringify(payload))
  return result.outcome === 'event' ? 'event' : `${result.outcome}: ${result.reason}`
}
function lineOf(payload: Payload): Payload {
  const { data } = payload as { data: { object: { lines: { data: [Payload] } } } }
  return data.object.lines.data[0]
}

const RENEWAL = [
  { priceId: 'price_starter_monthly', periodStart: '2026-01-31T10:00:00.000Z', periodEnd: '2026-02-28T10:00:00.000Z' }
]

describe.each(SHAPES)('a Stripe invoice in the %s shape', (shape) => {
  test('paid, is told completely, with the period of its line and not its own', () => {
    expect(eventOf(built({ shape }))).toEqual({
      processor: 'stripe',
      eventId: 'evt_1Parley',
      eventType: 'invoice.paid',
      kind: 'payment',
      occurredAt: '2026-01-31T10:00:07.000Z',
      rank: 1,
      accountId: 'org_parley',
      customerId: 'cus_Parley',
      subscriptionId: 'sub_1Parley',
      status: null,
      payment: 'paid',
      items: RENEWAL,
      cancelsAt: null,
      trialEndsAt: null,
      amountMinor: 1900,
      currency: 'USD',
      paymentId: 'in_1Parley',
      objectIds: [],
      reversalId: null,
      reversalStatus: null
    })
  })

  test('not paid, tells what is due', () => {
    expect(eventOf(built({ shape, event: 'payment_failed' }))).toMatchObject({
      eventType: 'invoice.payment_failed',
      kind: 'payment',
      payment: 'failed',
      status: null,
      amountMinor: 1900,
      items: RENEWAL
    })
  })

  test.each([
    ['subscription_cycle', RENEWAL],
    ['subscription_create', RENEWAL],
    ['subscription_update', []],
    ['subscription_threshold', []],
    ['automatic_pending_invoice_item_invoice', []],
    ['quote_accept', []],
    ['manual', []],
    ['upcoming', []],
    [null, []]
  ])('for the reason %s opens what it should', (reason, items) => {
    expect(eventOf(patched(built({ shape }), 'data.object.billing_reason', reason)).items).toEqual(items)
  })

  test('with a proration beside the renewal opens the renewal alone', () => {
    const payload = built({ shape })
    const line = lineOf(payload)
    const proration = patched(
      shape === 'old' ? { ...line, proration: true } : patched(line, 'parent.subscription_item_details.proration', true),
      'period',
      { start: 1_768_000_000, end: 1_790_000_000 }
    )
    expect(eventOf(patched(payload, 'data.object.lines.data', [proration, line])).items).toEqual(RENEWAL)
    expect(eventOf(patched(payload, 'data.object.lines.data', [proration])).items).toEqual([])
  })

  test('with a one-off item beside the renewal opens the renewal alone', () => {
    const payload = built({ shape })
    const line = lineOf(payload)
    const period = { start: 1_769_853_600, end: 1_769_853_600 }
    const extra =
      shape === 'old'
        ? { ...line, type: 'invoiceitem', period, price: { id: 'price_setup' } }
        : {
            ...line,
            period,
            parent: {
              invoice_item_details: { invoice_item: 'ii_1', proration: false, subscription: null },
              subscription_item_details: null,
              type: 'invoice_item_details'
            }
          }
    expect(eventOf(patched(payload, 'data.object.lines.data', [extra, line])).items).toEqual(RENEWAL)
  })

  test('with a metered line about the period that has ended opens the renewal alone', () => {
    const payload = built({ shape })
    const line = lineOf(payload)
    const metered = { ...line, period: { start: 1_767_175_200, end: 1_769_853_600 } }
    expect(eventOf(patched(payload, 'data.object.lines.data', [metered, line])).items).toEqual(RENEWAL)
  })

  test('of a free trial is paid with nothing, and opens the trial', () => {
    expect(eventOf(built({ shape, amountMinor: 0 }))).toMatchObject({ payment: 'paid', amountMinor: 0, items: RENEWAL })
  })

  test('is the customer’s own even when customer and subscription were expanded', () => {
    const subscription = shape === 'old' ? 'data.object.subscription' : 'data.object.parent.subscription_details.subscription'
    const payload = patched(built({ shape }), subscription, { id: 'sub_Expanded', object: 'subscription' })
    expect(eventOf(patched(payload, 'data.object.customer', { id: 'cus_Expanded' }))).toMatchObject({
      subscriptionId: 'sub_Expanded',
      customerId: 'cus_Expanded'
    })
  })

  test('without a subscription is ignored', () => {
    const gone = shape === 'old' ? 'data.object.subscription' : 'data.object.parent'
    expect(reasonOf(patched(built({ shape }), gone, null))).toBe('ignored: the invoice belongs to no subscription')
  })

  test('finds the account on its lines when nothing else names it', () => {
    const payload = shape === 'old' ? built({ shape }) : patched(built({ shape }), 'data.object.parent.subscription_details.metadata', null)
    expect(eventOf(payload).accountId).toBe('org_parley')
    expect(eventOf(patched(payload, 'data.object.lines.data.0.metadata', {})).accountId).toBeNull()
  })

  test.each([
    ['amount_paid', '1900'],
    ['amount_paid', 19.5],
    ['amount_paid', 9_007_199_254_740_992],
    ['amount_due', null],
    ['currency', 'dollars'],
    ['lines', null],
    ['lines.data.0.period', null],
    ['lines.data.0.period', { start: 1_769_853_600, end: 1_769_853_600 }],
    ['object', 'subscription']
  ])('with an unknown %s is rejected with the field named', (field, value) => {
    expect(reasonOf(patched(built({ shape }), `data.object.${field}`, value))).toMatch(`rejected: data.object.${field}`)
  })

  test('with a renewal line that names no price is rejected', () => {
    const line = { ...lineOf(built({ shape })), price: null, plan: null, pricing: null }
    expect(reasonOf(patched(built({ shape }), 'data.object.lines.data', [line]))).toBe('rejected: data.object.lines.data.0.price: expected a price')
  })
})

describe('the price of an invoice line', () => {
  test('is found in price, plan, or price details, expanded or not', () => {
    expect(eventOf(patched(built({ shape: 'old' }), 'data.object.lines.data.0.price', null)).items).toEqual(RENEWAL)
    const expanded = patched(built(), 'data.object.lines.data.0.pricing.price_details.price', { id: 'price_expanded', object: 'price' })
    expect(eventOf(expanded).items).toMatchObject([{ priceId: 'price_expanded' }])
  })

  test('and the account may stand where API 2023-10-16 had it', () => {
    const payload = patched(built({ shape: 'old' }), 'data.object.lines.data.0.metadata', {})
    const details = { metadata: { account_id: 'org_details' } }
    expect(eventOf(patched(payload, 'data.object.subscription_details', details)).accountId).toBe('org_details')
  })
})

describe('a completed Stripe checkout', () => {
  const checkout = built({ event: 'checkout' })

  test('only links the account to customer and subscription, and grants nothing', () => {
    expect(eventOf(checkout)).toEqual({
      processor: 'stripe',
      eventId: 'evt_1Parley',
      eventType: 'checkout.session.completed',
      kind: 'link',
      occurredAt: '2026-01-31T10:00:07.000Z',
      rank: 0,
      accountId: 'org_parley',
      customerId: 'cus_Parley',
      subscriptionId: 'sub_1Parley',
      status: null,
      payment: null,
      items: [],
      cancelsAt: null,
      trialEndsAt: null,
      amountMinor: null,
      currency: null,
      paymentId: null,
      objectIds: [],
      reversalId: null,
      reversalStatus: null
    })
  })

  test('is the same link when it is not paid yet', () => {
    expect(eventOf(patched(checkout, 'data.object.payment_status', 'unpaid'))).toEqual(eventOf(checkout))
  })

  test('takes the account from the metadata first, then from the reference', () => {
    expect(eventOf(patched(checkout, 'data.object.client_reference_id', 'org_chosen_by_the_buyer')).accountId).toBe('org_parley')
    expect(eventOf(patched(checkout, 'data.object.metadata', {})).accountId).toBe('org_parley')
    const nameless = patched(patched(checkout, 'data.object.metadata', null), 'data.object.client_reference_id', null)
    expect(eventOf(nameless).accountId).toBeNull()
  })

  test('reads an expanded subscription by its id', () => {
    expect(eventOf(patched(checkout, 'data.object.subscription', { id: 'sub_Expanded' })).subscriptionId).toBe('sub_Expanded')
  })

  test.each(['payment', 'setup'])('of the mode %s is ignored', (mode) => {
    expect(reasonOf(patched(checkout, 'data.object.mode', mode))).toBe('ignored: the checkout was not for a subscription')
  })

  test.each(['mode', 'id', 'object'])('without %s is rejected', (field) => {
    expect(reasonOf(patched(checkout, `data.object.${field}`, undefined))).toMatch(`rejected: data.object.${field}`)
  })
})
