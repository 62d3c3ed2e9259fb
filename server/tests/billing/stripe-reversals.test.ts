import { describe, expect, test } from '@jest/globals'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import type { Payload } from '../../../scripts/webhook/scenario.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { patched, scenarioOf } from '../support/processors/scenario.ts'

const { normalise } = createStripe({ webhookSecrets: [], apiKey: null })

const REFUND = { id: 're_1', object: 'refund', amount: 500, currency: 'usd', charge: 'ch_1', payment_intent: 'pi_1', status: 'succeeded' }
const DISPUTE = { id: 'du_1', object: 'dispute', amount: 1900, currency: 'usd', charge: 'ch_1', payment_intent: 'pi_1', status: 'needs_response' }

function about(type: string, object: Payload): Payload {
  return { ...buildEvent('stripe', scenarioOf('stripe')), type, data: { object } }
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

describe('a Stripe refund', () => {
  test('is told completely, and names its payment by payment intent and charge', () => {
    expect(eventOf(about('refund.created', REFUND))).toEqual({
      processor: 'stripe',
      eventId: 'evt_1Parley',
      eventType: 'refund.created',
      kind: 'refund',
      occurredAt: '2026-01-31T10:00:07.000Z',
      rank: 0,
      accountId: null,
      customerId: null,
      subscriptionId: null,
      status: null,
      payment: null,
      items: [],
      cancelsAt: null,
      trialEndsAt: null,
      amountMinor: 500,
      currency: 'USD',
      paymentId: null,
      objectIds: ['pi_1', 'ch_1'],
      reversalId: 're_1',
      reversalStatus: 'reversed'
    })
  })

  test.each([
    ['succeeded', 'reversed'],
    ['pending', 'pending'],
    ['requires_action', 'pending'],
    [null, 'pending'],
    ['failed', 'restored'],
    ['canceled', 'restored']
  ])('that is %j is %s', (status, reversalStatus) => {
    for (const type of ['refund.updated', 'refund.failed']) {
      expect(eventOf(about(type, { ...REFUND, status }))).toMatchObject({ kind: 'refund', rank: 2, reversalStatus })
    }
  })

  test('names what there is, expanded or not', () => {
    expect(eventOf(about('refund.updated', { ...REFUND, payment_intent: null })).objectIds).toEqual(['ch_1'])
    expect(eventOf(about('refund.updated', { ...REFUND, charge: { id: 'ch_2' } })).objectIds).toEqual(['pi_1', 'ch_2'])
  })

  test.each([['status', 'reversed_twice'], ['status', 'constructor'], ['amount', -1], ['amount', 1.5], ['id', null], ['currency', 'dollars'], ['object', 'charge']])(
    'with an unknown %s (%j) is rejected with the field named',
    (field, value) => {
      expect(reasonOf(about('refund.updated', { ...REFUND, [field]: value }))).toMatch(`rejected: data.object.${field}`)
    }
  )

  test('told by the charge, all refunds together, is ignored', () => {
    expect(reasonOf(about('charge.refunded', { id: 'ch_1', object: 'charge', amount_refunded: 900 }))).toMatch(/^ignored: .*each refund object/)
  })
})

describe('a Stripe dispute', () => {
  test.each([
    ['warning_needs_response', 'pending'],
    ['warning_under_review', 'pending'],
    ['warning_closed', 'restored'],
    ['needs_response', 'reversed'],
    ['under_review', 'reversed'],
    ['lost', 'reversed'],
    ['appeal_needs_response', 'reversed'],
    ['appeal_under_review', 'reversed'],
    ['prevented', 'restored'],
    ['won', 'restored']
  ])('that is %s is %s', (status, reversalStatus) => {
    expect(eventOf(about('charge.dispute.updated', { ...DISPUTE, status }))).toMatchObject({ kind: 'dispute', reversalId: 'du_1', reversalStatus })
  })

  test.each([
    ['charge.dispute.created', 0],
    ['charge.dispute.updated', 2],
    ['charge.dispute.funds_withdrawn', 2],
    ['charge.dispute.funds_reinstated', 2],
    ['charge.dispute.closed', 3]
  ])('told by %s has rank %i', (type, rank) => {
    expect(eventOf(about(type, DISPUTE))).toMatchObject({ kind: 'dispute', rank, objectIds: ['pi_1', 'ch_1'], amountMinor: 1900, currency: 'USD' })
  })

  test.each([['status', null], ['status', 'settled'], ['id', undefined]])('with an unknown %s (%j) is rejected', (field, value) => {
    expect(reasonOf(about('charge.dispute.closed', { ...DISPUTE, [field]: value }))).toMatch(`rejected: data.object.${field}`)
  })
})

describe('which payment settled a Stripe invoice', () => {
  const settled = { id: 'inpay_1', object: 'invoice_payment', invoice: 'in_1', payment: { type: 'payment_intent', payment_intent: 'pi_1' } }

  test('is linked by the invoice payment', () => {
    expect(eventOf(about('invoice_payment.paid', settled))).toMatchObject({ kind: 'link', rank: 1, paymentId: 'in_1', objectIds: ['pi_1'] })
    const charged = { ...settled, payment: { type: 'charge', charge: 'ch_1' } }
    expect(eventOf(about('invoice_payment.paid', charged))).toMatchObject({ paymentId: 'in_1', objectIds: ['ch_1'] })
  })

  test('is not to be had when it was paid outside of Stripe', () => {
    const outside = { ...settled, payment: { type: 'payment_record', payment_record: 'prec_1' } }
    expect(reasonOf(about('invoice_payment.paid', outside))).toBe('ignored: the invoice was paid outside of Stripe')
  })

  test.each([['invoice', null], ['payment', null], ['object', 'invoice']])('with an unknown %s is rejected', (field, value) => {
    expect(reasonOf(about('invoice_payment.paid', { ...settled, [field]: value }))).toMatch(`rejected: data.object.${field}`)
  })

  test('stands on the invoice itself in the old shape, and in the current one where its payments are expanded', () => {
    const old = buildEvent('stripe', scenarioOf('stripe', { event: 'paid', shape: 'old' }))
    const named = patched(patched(old, 'data.object.payment_intent', 'pi_1'), 'data.object.charge', { id: 'ch_1' })
    expect(eventOf(named)).toMatchObject({ paymentId: 'in_1Parley', objectIds: ['pi_1', 'ch_1'] })
    const current = buildEvent('stripe', scenarioOf('stripe', { event: 'paid' }))
    expect(eventOf(current)).toMatchObject({ paymentId: 'in_1Parley', objectIds: [] })
    expect(eventOf(patched(current, 'data.object.payments', { data: [settled, settled] })).objectIds).toEqual(['pi_1'])
  })
})

test('a deleted Stripe customer is closed', () => {
  const deleted = { id: 'cus_Parley', object: 'customer', deleted: true }
  expect(eventOf(about('customer.deleted', deleted))).toMatchObject({ kind: 'closed', rank: 3, customerId: 'cus_Parley', accountId: null })
  expect(reasonOf(about('customer.deleted', { object: 'customer' }))).toMatch('rejected: data.object.id')
})

describe('what else Stripe tells', () => {
  const created = buildEvent('stripe', scenarioOf('stripe'))

  test('the end of a trial is on the subscription', () => {
    expect(eventOf(patched(created, 'data.object.trial_end', 1_770_000_000)).trialEndsAt).toBe('2026-02-02T02:40:00.000Z')
    expect(reasonOf(patched(created, 'data.object.trial_end', 'soon'))).toMatch('rejected: data.object.trial_end')
  })

  test.each(['customer.subscription.pending_update_applied', 'customer.subscription.pending_update_expired'])('%s is a state', (type) => {
    expect(eventOf({ ...created, type })).toMatchObject({ kind: 'state', rank: 2, status: 'active' })
  })

  test('a checkout paid later links as a completed one does, and one that failed or expired is ignored with the reason', () => {
    const completed = buildEvent('stripe', scenarioOf('stripe', { event: 'checkout' }))
    const later = { ...completed, type: 'checkout.session.async_payment_succeeded' }
    expect(eventOf(later)).toEqual({ ...eventOf(completed), eventType: later.type })
    expect(reasonOf({ ...completed, type: 'checkout.session.async_payment_failed' })).toMatch(/^ignored: the subscription and its invoice/)
    expect(reasonOf({ ...completed, type: 'checkout.session.expired' })).toMatch(/^ignored: nobody paid/)
  })
})

describe('live and test mode', () => {
  const created = buildEvent('stripe', scenarioOf('stripe'))
  const outcomeOf = (apiKey: string | null, livemode: unknown): string =>
    createStripe({ webhookSecrets: [], apiKey }).normalise(JSON.stringify({ ...created, livemode })).outcome

  test('an event of the other mode than the key’s is ignored, without a key none is', () => {
    for (const apiKey of ['sk_live_1', 'rk_live_1']) expect([outcomeOf(apiKey, true), outcomeOf(apiKey, false)]).toEqual(['event', 'ignored'])
    for (const apiKey of ['sk_test_1', 'rk_test_1']) expect([outcomeOf(apiKey, true), outcomeOf(apiKey, false)]).toEqual(['ignored', 'event'])
    expect([outcomeOf(null, true), outcomeOf(null, false)]).toEqual(['event', 'event'])
  })

  test('the reason names both modes', () => {
    const { normalise: live } = createStripe({ webhookSecrets: [], apiKey: 'sk_live_1' })
    expect(live(JSON.stringify(created))).toMatchObject({ reason: 'an event of test mode, and the API key is of live mode' })
  })
})
