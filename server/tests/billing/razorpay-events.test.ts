import { describe, expect, test } from '@jest/globals'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { Unreadable } from '../../src/billing/processor.ts'
import type { BillingEvent, Normalised } from '../../src/billing/billing-event.ts'
import { patched } from '../support/processors/scenario.ts'
import {
  at,
  disputeEntity,
  paymentEntity,
  RAZORPAY_ACCOUNT,
  razorpayEvent,
  refundEntity,
  subscriptionEntity,
  unpaidEntity
} from '../support/razorpay-payloads.ts'

const OCCURRED_AT = '2026-01-31T10:00:07.000Z'
const PERIOD = {
  priceId: 'plan_starter_monthly',
  periodStart: '2026-01-31T10:00:00.000Z',
  periodEnd: '2026-02-27T18:30:00.000Z'
}
const STATE: Omit<BillingEvent, 'eventType' | 'eventId' | 'status' | 'rank'> = {
  processor: 'razorpay',
  kind: 'state',
  occurredAt: OCCURRED_AT,
  accountId: 'org_parley',
  customerId: 'cust_Parley0000001',
  subscriptionId: 'sub_Parley00000001',
  payment: null,
  items: [PERIOD],
  cancelsAt: null,
  trialEndsAt: null,
  amountMinor: null,
  currency: null,
  paymentId: null,
  objectIds: [],
  reversalId: null,
  reversalStatus: null
}

function normalise(body: unknown, accountId: string | null = null): Normalised {
  const razorpay = createRazorpay({ webhookSecrets: [], keyId: null, keySecret: null, accountId })
  return razorpay.normalise(JSON.stringify(body))
}
function eventFrom(body: unknown): BillingEvent {
  const normalised = normalise(body)
  if (normalised.outcome !== 'event') throw new Error(normalised.reason)
  return normalised.event
}

describe('a Razorpay subscription', () => {
  test.each([
    ['activated', 'active', 'active', 1],
    ['resumed', 'active', 'active', 2],
    ['updated', 'active', 'active', 2],
    ['pending', 'pending', 'past_due', 2],
    ['halted', 'halted', 'past_due', 2],
    ['paused', 'paused', 'paused', 2],
    ['cancelled', 'cancelled', 'canceled', 3],
    ['completed', 'completed', 'canceled', 3],
    ['expired', 'expired', 'canceled', 3],
    // An end is the end, whatever status the entity still carries.
    ['cancelled', 'active', 'canceled', 3]
  ])('told of by subscription.%s as %s is %s', (name, status, expected, rank) => {
    const eventType = `subscription.${name}`
    const body = razorpayEvent(eventType, { subscription: subscriptionEntity({ status }) })
    expect(eventFrom(body)).toEqual({ ...STATE, eventId: expect.any(String), eventType, status: expected, rank })
  })

  test('that is authorised and starts later is a trial until then', () => {
    const startAt = at('2026-02-14T10:00:00Z')
    const entity = subscriptionEntity({ status: 'authenticated', current_start: null, current_end: null, start_at: startAt })
    const { status, trialEndsAt, items, rank } = eventFrom(razorpayEvent('subscription.authenticated', { subscription: entity }))
    expect({ status, trialEndsAt, rank }).toEqual({ status: 'trialing', trialEndsAt: '2026-02-14T10:00:00.000Z', rank: 0 })
    expect(items).toEqual([{ priceId: 'plan_starter_monthly', periodStart: null, periodEnd: null }])
  })

  test('that is authorised and starts at once is no trial, and grants nothing before it is charged', () => {
    for (const start_at of [null, at('2026-01-31T10:00:00Z'), at(OCCURRED_AT)]) {
      const entity = subscriptionEntity({ status: 'authenticated', current_start: null, current_end: null, start_at })
      const event = eventFrom(razorpayEvent('subscription.authenticated', { subscription: entity }))
      expect(event).toMatchObject({ status: 'incomplete', trialEndsAt: null })
    }
  })

  test('without notes, which come as an empty list then, names no account', () => {
    for (const notes of [[], {}, null, undefined, { account_id: '' }, { other: 'x' }]) {
      expect(eventFrom(razorpayEvent('subscription.activated', { subscription: subscriptionEntity({ notes }) }))).toMatchObject({
        accountId: null
      })
    }
  })

  test('that nobody has paid for has no customer and no period', () => {
    const event = eventFrom(razorpayEvent('subscription.expired', { subscription: unpaidEntity({ status: 'expired' }) }))
    const items = [{ priceId: 'plan_starter_monthly', periodStart: null, periodEnd: null }]
    expect(event).toMatchObject({ status: 'canceled', customerId: null, items })
  })

  test('whose event has its time inside the payload, as one documented sample does, is dated by that', () => {
    const body = razorpayEvent('subscription.activated', { subscription: subscriptionEntity() }, { created_at: undefined })
    expect(eventFrom(patched(body, 'payload.created_at', at('2026-01-31T10:00:09Z')))).toMatchObject({
      occurredAt: '2026-01-31T10:00:09.000Z'
    })
  })
})

describe('subscription.charged', () => {
  const charged = (subscription = subscriptionEntity()) =>
    razorpayEvent('subscription.charged', { subscription, payment: paymentEntity() })
  const PAID = { ...STATE, kind: 'payment', status: null, rank: 1, payment: 'paid', paymentId: 'pay_Parley00000001' }

  test('is the payment of a period', () => {
    const money = { amountMinor: 1900, currency: 'USD' }
    const expected = { ...PAID, ...money, eventId: expect.any(String), eventType: 'subscription.charged' }
    expect(eventFrom(charged())).toEqual(expected)
  })

  test('before there is a period (an upfront amount) opens none', () => {
    const entity = subscriptionEntity({ status: 'authenticated', current_start: null, current_end: null })
    expect(eventFrom(charged(entity)).items).toEqual([])
  })

  test('without its payment is not guessed at', () => {
    expect(normalise(razorpayEvent('subscription.charged', { subscription: subscriptionEntity() }))).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringMatching(/^payload\.payment: /)
    })
  })
})

describe('a Razorpay refund', () => {
  test.each([
    ['refund.created', 'pending', 'pending', 0],
    ['refund.created', 'processed', 'reversed', 0],
    ['refund.processed', 'processed', 'reversed', 2],
    ['refund.failed', 'failed', 'restored', 2]
  ])('%s with status %s is %s', (eventType, status, reversalStatus, rank) => {
    const entities = { refund: refundEntity({ status }), payment: paymentEntity() }
    expect(eventFrom(razorpayEvent(eventType, entities))).toEqual({
      ...STATE,
      eventId: expect.any(String),
      eventType,
      kind: 'refund',
      rank,
      accountId: null,
      subscriptionId: null,
      status: null,
      items: [],
      amountMinor: 500,
      currency: 'USD',
      paymentId: 'pay_Parley00000001',
      reversalId: 'rfnd_Parley0000001',
      reversalStatus
    })
  })
})

describe('a Razorpay dispute', () => {
  test.each([
    ['created', 'chargeback', 'reversed', 0],
    ['under_review', 'chargeback', 'reversed', 2],
    ['action_required', 'pre_arbitration', 'reversed', 2],
    ['lost', 'chargeback', 'reversed', 3],
    ['won', 'chargeback', 'restored', 3],
    ['created', 'fraud', 'pending', 0],
    ['under_review', 'retrieval', 'pending', 2],
    ['lost', 'fraud', 'reversed', 3],
    ['closed', 'fraud', 'restored', 3]
  ])('payment.dispute.%s in phase %s is %s', (name, phase, reversalStatus, rank) => {
    const entities = { payment: paymentEntity({ customer_id: undefined }), dispute: disputeEntity({ phase }) }
    const facts = { kind: 'dispute', rank, paymentId: 'pay_Parley00000001', reversalId: 'disp_Parley0000001', reversalStatus }
    expect(eventFrom(razorpayEvent(`payment.dispute.${name}`, entities))).toMatchObject({ ...facts, customerId: null })
  })
})

describe('what else Razorpay sends', () => {
  test.each(['payment.captured', 'payment.authorized', 'order.paid', 'invoice.paid', 'payment.failed'])(
    '%s is ignored, with the event named that counts instead',
    (name) => {
      expect(normalise(razorpayEvent(name, { payment: paymentEntity() }))).toMatchObject({
        outcome: 'ignored',
        eventType: name,
        reason: expect.stringMatching(/subscription\.(charged|pending)/)
      })
    }
  )

  test.each(['refund.speed_changed', 'payout.processed', 'constructor', '__proto__', 'toString'])('%s is ignored', (name) => {
    const reason = 'Parley does not act on this event type'
    expect(normalise(razorpayEvent(name, {}))).toMatchObject({ outcome: 'ignored', reason })
  })

  test('an event of another account is ignored once the account is configured, and so is one that names none', () => {
    const activated = razorpayEvent('subscription.activated', { subscription: subscriptionEntity() })
    expect(normalise(activated, RAZORPAY_ACCOUNT)).toMatchObject({ outcome: 'event' })
    for (const account_id of ['acc_Stranger000001', undefined, null, 7, [RAZORPAY_ACCOUNT]]) {
      const foreign = patched(activated, 'account_id', account_id)
      const reason = 'the event is of another Razorpay account than the configured one'
      expect(normalise(foreign, RAZORPAY_ACCOUNT)).toMatchObject({ outcome: 'ignored', reason })
      expect(normalise(foreign, null)).toMatchObject({ outcome: 'event' })
    }
  })
})

describe('a hostile or unknown body', () => {
  const activated = razorpayEvent('subscription.activated', { subscription: subscriptionEntity() })

  test.each([
    ['', 'entity', 'batch'],
    ['payload.subscription.entity.', 'status', 'frozen'],
    ['payload.subscription.entity.', 'status', ['active']],
    ['payload.subscription.entity.', 'id', 'sub with spaces'],
    ['payload.subscription.entity.', 'id', `sub_${'x'.repeat(300)}`],
    ['payload.subscription.entity.', 'id', 'sub_\u0000'],
    ['payload.subscription.entity.', 'plan_id', null],
    ['payload.subscription.entity.', 'customer_id', 7],
    ['payload.subscription.entity.', 'entity', 'plan'],
    ['payload.subscription.entity.', 'current_start', '1769853600'],
    ['payload.subscription.entity.', 'current_start', 1e300],
    ['payload.subscription.entity.', 'current_end', -1],
    ['payload.subscription.entity.', 'current_end', at('2026-01-31T10:00:00Z')],
    ['payload.subscription.entity.', 'current_end', at('2026-01-01T00:00:00Z')],
    ['payload.subscription.entity.', 'start_at', 1.5],
    ['payload.subscription.entity.', 'notes', 'org_parley'],
    ['payload.subscription.entity.', 'notes', ['org_parley']],
    ['payload.subscription.entity.', 'short_url', 'javascript:alert(1)'],
    ['payload.subscription.', 'entity', null],
    ['payload.', 'subscription', 'sub_Parley00000001'],
    ['', 'payload', []],
    ['', 'created_at', 'yesterday'],
    ['', 'created_at', 253_402_300_800]
  ])('with %s%s as %j is rejected with the field named and its value left out', (place, field, value) => {
    const normalised = normalise(patched(activated, `${place}${field}`, value))
    expect(normalised).toMatchObject({ outcome: 'rejected', reason: expect.stringContaining(`${place}${field}`) })
    expect(normalised.outcome === 'rejected' && normalised.reason).not.toMatch(/frozen|javascript|spaces|yesterday/)
  })

  test.each([
    ['an amount no number holds exactly', 'payment', 'amount', 9_007_199_254_740_992],
    ['a fraction', 'payment', 'amount', 19.5],
    ['a negative amount', 'payment', 'amount', -1],
    ['an amount in words', 'payment', 'amount', '1900'],
    ['no currency', 'payment', 'currency', 'dollars']
  ])('%s is rejected', (_, entity, field, value) => {
    const entities = { subscription: subscriptionEntity(), [entity]: paymentEntity({ [field]: value }) }
    expect(normalise(razorpayEvent('subscription.charged', entities))).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringContaining(`payload.${entity}.entity.${field}`)
    })
  })

  test('with account ids in places that are none of ours names no account', () => {
    const text = JSON.stringify(activated).replace('"notes":{', '"notes":{"__proto__":{"account_id":"org_thief"},')
    const razorpay = createRazorpay({ webhookSecrets: [], keyId: null, keySecret: null })
    expect(razorpay.normalise(text)).toMatchObject({ event: { accountId: 'org_parley' } })
    expect(razorpay.normalise(text.replace('"account_id":"org_parley",', ''))).toMatchObject({ event: { accountId: null } })
  })

  test('that is no JSON object with an event type is unreadable', () => {
    const razorpay = createRazorpay({ webhookSecrets: [], keyId: null, keySecret: null })
    const nameless = ['{}', '{"event":7}', '{"event":""}', '\uFEFF{}']
    const bodies = ['', ' ', '{', 'null', '[]', '"text"', '7', ...nameless, '['.repeat(400_000)]
    for (const body of bodies) expect(() => razorpay.normalise(body)).toThrow(Unreadable)
  })

  test('without an API key there is nothing to ask with', () => {
    expect(createRazorpay({ webhookSecrets: [], keyId: 'rzp_test_parley', keySecret: null }).api).toBeNull()
  })
})
