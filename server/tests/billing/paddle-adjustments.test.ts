import { describe, expect, test } from '@jest/globals'
import type { Payload } from '../../../scripts/webhook/scenario.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { patched } from '../support/processors/scenario.ts'

const { normalise } = createPaddle({ webhookSecrets: [], apiKey: null, environment: 'sandbox' })

/** adjusted is a notification about 5.00 of the 19.00 that the transaction was for. */
function adjusted(action: string, status: string, changes: Payload = {}): Payload {
  return {
    event_id: 'evt_01adjusted',
    event_type: 'adjustment.updated',
    occurred_at: '2026-02-03T10:00:00.000000Z',
    notification_id: 'ntf_01adjusted',
    data: {
      id: 'adj_01parley',
      action,
      type: 'partial',
      status,
      reason: 'error',
      transaction_id: 'txn_01parley',
      subscription_id: 'sub_01parley',
      customer_id: 'ctm_01parley',
      currency_code: 'USD',
      items: [],
      totals: { subtotal: '500', tax: '0', total: '500', fee: '0', earnings: '500', currency_code: 'USD' },
      created_at: '2026-02-03T09:59:59.000000Z',
      updated_at: '0001-01-01T00:00:00Z',
      ...changes
    }
  }
}

function eventOf(payload: Payload) {
  const result = normalise(JSON.stringify(payload))
  if (result.outcome !== 'event') throw new Error(`${result.outcome}: ${result.reason}`)
  return result.event
}

describe('a Paddle refund', () => {
  test('is told completely, with the payment it is of', () => {
    expect(eventOf(adjusted('refund', 'approved'))).toEqual({
      processor: 'paddle',
      eventId: 'evt_01adjusted',
      eventType: 'adjustment.updated',
      kind: 'refund',
      occurredAt: '2026-02-03T10:00:00.000000Z',
      rank: 2,
      accountId: null,
      customerId: 'ctm_01parley',
      subscriptionId: 'sub_01parley',
      status: null,
      payment: null,
      items: [],
      cancelsAt: null,
      trialEndsAt: null,
      amountMinor: 500,
      currency: 'USD',
      paymentId: 'txn_01parley',
      objectIds: [],
      reversalId: 'adj_01parley',
      reversalStatus: 'reversed'
    })
  })

  test.each([
    ['pending_approval', 'pending'],
    ['approved', 'reversed'],
    ['rejected', 'restored'],
    ['reversed', 'restored']
  ])('that is %s is %s: only an approved one moves money', (status, reversalStatus) => {
    expect(eventOf(adjusted('refund', status))).toMatchObject({ kind: 'refund', reversalId: 'adj_01parley', reversalStatus })
  })

  test('its creation comes before its updates', () => {
    expect(eventOf({ ...adjusted('refund', 'pending_approval'), event_type: 'adjustment.created' }).rank).toBe(0)
  })

  test('of a payment without a subscription names the payment alone', () => {
    expect(eventOf(adjusted('refund', 'approved', { subscription_id: null }))).toMatchObject({
      subscriptionId: null,
      paymentId: 'txn_01parley'
    })
  })
})

describe('a Paddle dispute', () => {
  test.each([
    ['chargeback', 'approved', 'reversed'],
    ['chargeback', 'reversed', 'restored'],
    ['chargeback_reverse', 'approved', 'restored'],
    ['chargeback_reverse', 'pending_approval', 'reversed'],
    ['chargeback_reverse', 'rejected', 'reversed'],
    ['chargeback_reverse', 'reversed', 'reversed']
  ])('%s that is %s leaves the money %s', (action, status, reversalStatus) => {
    expect(eventOf(adjusted(action, status))).toMatchObject({ kind: 'dispute', reversalStatus, paymentId: 'txn_01parley' })
  })

  test('and its reversal are one dispute, though they are two adjustments', () => {
    const lost = eventOf(adjusted('chargeback', 'approved', { id: 'adj_01first' }))
    const won = eventOf(adjusted('chargeback_reverse', 'approved', { id: 'adj_02second' }))
    expect(lost.reversalId).toBe('chargeback:txn_01parley')
    expect(won.reversalId).toBe(lost.reversalId)
  })

  test('that is only announced moves no money, and its settlement says nothing of a chargeback', () => {
    const warning = eventOf(adjusted('chargeback_warning', 'approved'))
    const settled = eventOf(adjusted('chargeback_warning_reverse', 'approved'))
    expect(warning).toMatchObject({ kind: 'dispute', reversalStatus: 'pending', reversalId: 'chargeback_warning:txn_01parley' })
    expect(settled).toMatchObject({ kind: 'dispute', reversalStatus: 'restored', reversalId: warning.reversalId })
  })
})

describe('any other Paddle adjustment', () => {
  test.each(['credit', 'credit_reverse'])('%s sends no money back and is ignored', (action) => {
    expect(normalise(JSON.stringify(adjusted(action, 'approved')))).toMatchObject({
      outcome: 'ignored',
      reason: 'a credit lowers a later bill and sends no money back'
    })
  })

  test.each([
    ['action', 'chargeback_tomorrow'],
    ['status', 'lost'],
    ['transaction_id', null],
    ['id', 'adj_\u0000'],
    ['currency_code', 'dollars'],
    ['totals.total', '5.00'],
    ['totals.total', 500]
  ])('with an unknown %s is rejected, never guessed at', (field, value) => {
    expect(normalise(JSON.stringify(patched(adjusted('refund', 'approved'), `data.${field}`, value)))).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringContaining(`data.${field}`)
    })
  })
})
