import { describe, expect, test } from '@jest/globals'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import type { Payload, Scenario } from '../../../scripts/webhook/scenario.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { patched, scenarioOf } from '../support/processors/scenario.ts'

const { normalise } = createPaddle({ webhookSecrets: [], apiKey: null, environment: 'sandbox' })

function built(changes: Partial<Scenario> = {}): Payload {
  return buildEvent('paddle', scenarioOf('paddle', changes))
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

const PERIOD = { periodStart: '2026-01-31T10:00:00.000000Z', periodEnd: '2026-02-28T10:00:00.000000Z' }
const STARTER = { priceId: 'pri_starter_monthly', ...PERIOD }

describe('a Paddle subscription', () => {
  test('is told completely', () => {
    expect(eventOf(built())).toEqual({
      processor: 'paddle',
      eventId: 'evt_01parley',
      eventType: 'subscription.created',
      kind: 'state',
      occurredAt: '2026-01-31T10:00:07.000000Z',
      rank: 0,
      accountId: 'org_parley',
      customerId: 'ctm_01parley',
      subscriptionId: 'sub_01parley',
      status: 'active',
      payment: null,
      items: [STARTER],
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

  test.each([
    ['created', 'subscription.created', 0, 'active'],
    ['updated', 'subscription.updated', 2, 'active'],
    ['renewed', 'subscription.updated', 2, 'active'],
    ['past_due', 'subscription.past_due', 2, 'past_due'],
    ['paused', 'subscription.paused', 2, 'paused'],
    ['resumed', 'subscription.resumed', 2, 'active'],
    ['canceled', 'subscription.canceled', 3, 'canceled']
  ] as const)('%s comes as %s with rank %i and status %s', (event, eventType, rank, status) => {
    expect(eventOf(built({ event }))).toMatchObject({ eventType, rank, status, kind: 'state', payment: null })
  })

  test.each([
    ['subscription.activated', 'active'],
    ['subscription.trialing', 'trialing']
  ])('%s is an update', (eventType, status) => {
    const payload = patched({ ...built(), event_type: eventType }, 'data.status', status)
    expect(eventOf(payload)).toMatchObject({ eventType, rank: 2, status })
  })

  test('moved here from another platform is a creation', () => {
    expect(eventOf({ ...built(), event_type: 'subscription.imported' })).toMatchObject({ rank: 0, status: 'active', kind: 'state' })
  })

  test('tells when the trial of its plan ends, but not that of a one-off item', () => {
    const trial_dates = { starts_at: '2026-01-31T10:00:00.000000Z', ends_at: '2026-02-14T10:00:00.000000Z' }
    const setup = { price: { id: 'pri_setup' }, recurring: false, trial_dates: { ...trial_dates, ends_at: '2026-03-01T10:00:00Z' } }
    const plan = { price: { id: 'pri_growth_monthly_trial' }, recurring: true, trial_dates }
    expect(eventOf(patched(built(), 'data.items', [setup, plan])).trialEndsAt).toBe('2026-02-14T10:00:00.000000Z')
    expect(eventOf(patched(built(), 'data.items', [setup])).trialEndsAt).toBeNull()
  })

  describe('bought with a transaction that does not name it', () => {
    const unit_price = { amount: '950', currency_code: 'USD' }
    const plan = { price: { id: 'pri_starter_monthly', unit_price }, quantity: 2, recurring: true }
    const setup = { price: { id: 'pri_setup', unit_price: { amount: '5000', currency_code: 'USD' } }, quantity: 1, recurring: false }
    const bought = patched(patched(patched(built(), 'data.transaction_id', 'txn_01'), 'data.items', [plan, setup]), 'data.currency_code', 'USD')
    const unknown = { paymentId: 'txn_01', amountMinor: null, currency: null }

    test('is told with it when it is created, and what its recurring items cost', () => {
      expect(eventOf(bought)).toMatchObject({ kind: 'state', payment: null, paymentId: 'txn_01', amountMinor: 1900, currency: 'USD' })
    })

    test.each([
      ['in a trial, which is free', 'data.status', 'trialing'],
      ['with a discount', 'data.discount', { id: 'dsc_1', ends_at: null }],
      ['in another currency than that of the prices', 'data.currency_code', 'EUR'],
      ['without a price', 'data.items', [{ ...plan, price: { id: 'pri_starter_monthly' } }]]
    ])('%s is told without an amount', (_what, path, value) => {
      expect(eventOf(patched(bought, path, value))).toMatchObject(unknown)
    })

    test('is told with it only by its creation', () => {
      const updated = { ...bought, event_type: 'subscription.updated' }
      expect(eventOf(updated)).toMatchObject({ paymentId: null, amountMinor: null, currency: null })
    })
  })

  test('is known by its event id, not by the destination’s notification id', () => {
    expect(eventOf({ ...built(), notification_id: 'ntf_other' })).toEqual(eventOf(built()))
  })

  test('keeps the microseconds of the processor’s clock', () => {
    expect(eventOf({ ...built(), occurred_at: '2026-01-31T10:00:07.334150Z' }).occurredAt).toBe('2026-01-31T10:00:07.334150Z')
  })

  test('paused or canceled has no period, which is told as unknown', () => {
    for (const event of ['paused', 'canceled'] as const) {
      expect(eventOf(built({ event })).items).toEqual([{ priceId: 'pri_starter_monthly', periodStart: null, periodEnd: null }])
    }
  })

  test('a cancellation ends it even when the entity still says active', () => {
    expect(eventOf(patched(built({ event: 'canceled' }), 'data.status', 'active'))).toMatchObject({ status: 'canceled', rank: 3 })
  })

  test('gives its one period to every recurring item and leaves one-off items out', () => {
    const items = [
      { price: { id: 'pri_starter_monthly' }, recurring: true },
      { price: { id: 'pri_setup' }, recurring: false },
      { price: { id: 'pri_seats_monthly' } }
    ]
    expect(eventOf(patched(built(), 'data.items', items)).items).toEqual([STARTER, { priceId: 'pri_seats_monthly', ...PERIOD }])
  })

  test('a scheduled change is a plan: only a cancellation is told, and the status stays', () => {
    const effective_at = '2026-02-28T10:00:00.000000Z'
    const scheduled = (action: string) => eventOf(patched(built(), 'data.scheduled_change', { action, effective_at, resume_at: null }))
    expect(scheduled('cancel')).toMatchObject({ cancelsAt: effective_at, status: 'active' })
    expect(scheduled('pause')).toMatchObject({ cancelsAt: null, status: 'active' })
  })

  test('an account that is not in the custom data is null', () => {
    for (const data of [null, {}, { account_id: '' }, { order: 7 }, undefined]) {
      expect(eventOf(patched(built(), 'data.custom_data', data)).accountId).toBeNull()
    }
  })

  test.each([
    ['id', 'sub_\u0000'],
    ['status', 'frozen'],
    ['customer_id', null],
    ['items', []],
    ['items.0.price', null],
    ['items.0.price.id', 7],
    ['current_billing_period', undefined],
    ['current_billing_period.starts_at', '2026-02-30T10:00:00Z'],
    ['current_billing_period.starts_at', 'yesterday'],
    ['current_billing_period.ends_at', '2026-01-31T10:00:00.000000Z'],
    ['scheduled_change', { action: 'cancel', effective_at: 'soon' }],
    ['items.0.trial_dates', { ends_at: 'soon' }],
    ['custom_data', 'org_parley'],
    ['custom_data.account_id', 7]
  ])('with an unknown %s is rejected, and the reason names the field but no value', (field, value) => {
    const reason = reasonOf(patched(built(), `data.${field}`, value))
    expect(reason).toMatch(`rejected: data.${field}`)
    if (typeof value === 'string') expect(reason).not.toContain(value)
  })

  test.each([['occurred_at', 'soon'], ['occurred_at', '0000-01-01T00:00:00Z'], ['occurred_at', undefined], ['data', []]])('a notification with an unknown %s is rejected', (field, value) => {
    expect(reasonOf(patched(built(), field, value))).toMatch(`rejected: ${field}`)
  })
})

describe('a completed Paddle transaction', () => {
  const renewal = built({ event: 'paid' })

  test('of a renewal is a payment with the new period', () => {
    expect(eventOf(renewal)).toEqual({
      processor: 'paddle',
      eventId: 'evt_01parley',
      eventType: 'transaction.completed',
      kind: 'payment',
      occurredAt: '2026-01-31T10:00:07.000000Z',
      rank: 1,
      accountId: 'org_parley',
      customerId: 'ctm_01parley',
      subscriptionId: 'sub_01parley',
      status: null,
      payment: 'paid',
      items: [STARTER],
      cancelsAt: null,
      trialEndsAt: null,
      amountMinor: 1900,
      currency: 'USD',
      paymentId: 'txn_01parley',
      objectIds: [],
      reversalId: null,
      reversalStatus: null
    })
  })

  test.each([
    ['subscription_recurring', [STARTER]],
    ['web', [STARTER]],
    ['api', [STARTER]],
    ['subscription_update', []],
    ['subscription_charge', []],
    ['subscription_payment_method_change', []],
    ['an_origin_of_tomorrow', []]
  ])('of the origin %s opens what it should', (origin, items) => {
    expect(eventOf(patched(renewal, 'data.origin', origin))).toMatchObject({ payment: 'paid', items })
  })

  test('without a billing period opens nothing', () => {
    expect(eventOf(patched(renewal, 'data.billing_period', null)).items).toEqual([])
  })

  test('with a one-off price beside the plan opens the plan alone', () => {
    const items = [
      { price: { id: 'pri_setup', billing_cycle: null }, quantity: 1 },
      { price: { id: 'pri_starter_monthly', billing_cycle: { interval: 'month', frequency: 1 } }, quantity: 1 }
    ]
    expect(eventOf(patched(renewal, 'data.items', items)).items).toEqual([STARTER])
  })

  test('before its subscription exists only links the customer and itself to the account', () => {
    expect(eventOf(built({ event: 'checkout' }))).toMatchObject({
      kind: 'link',
      rank: 0,
      accountId: 'org_parley',
      customerId: 'ctm_01parley',
      subscriptionId: null,
      status: null,
      payment: null,
      items: [],
      amountMinor: null,
      currency: null,
      paymentId: 'txn_01parley'
    })
  })

  test.each([
    ['account', 'data.custom_data'],
    ['customer', 'data.customer_id']
  ])('that names neither subscription nor %s is ignored', (_, path) => {
    expect(reasonOf(patched(built({ event: 'checkout' }), path, null))).toMatch('ignored: the transaction belongs to no subscription')
  })

  test.each([
    ['0', 0],
    ['65215', 65_215],
    ['9007199254740991', Number.MAX_SAFE_INTEGER]
  ])('reads the amount %s exactly', (text, amount) => {
    expect(eventOf(patched(renewal, 'data.details.totals.grand_total', text)).amountMinor).toBe(amount)
  })

  test.each(['9007199254740993', '19.00', '1e3', '', ' 5', '0x10', '12345678901234567890', 1900, null])('rejects the amount %p', (value) => {
    expect(reasonOf(patched(renewal, 'data.details.totals.grand_total', value))).toMatch('rejected: data.details.totals.grand_total')
  })

  test.each(['currency_code', 'origin', 'items', 'details'])('without %s is rejected', (field) => {
    expect(reasonOf(patched(renewal, `data.${field}`, undefined))).toMatch(`rejected: data.${field}`)
  })
})

describe('a Paddle notification Parley does not act on', () => {
  test.each(['transaction.paid', 'transaction.past_due', 'transaction.payment_failed', 'customer.updated', 'constructor', '__proto__'])(
    '%s is ignored',
    (type) => {
      expect(reasonOf({ ...built({ event: 'payment_failed' }), event_type: type })).toBe('ignored: Parley does not act on this event type')
    }
  )

  test.each([7, '0000-01-01T00:00:00Z'])('is ignored even when its time, such as %j, cannot be read', (time) => {
    const payload = { ...built(), event_type: 'address.created', occurred_at: time }
    expect(normalise(JSON.stringify(payload))).toMatchObject({ outcome: 'ignored', occurredAt: '1970-01-01T00:00:00.000Z' })
  })
})

test('keys that name a prototype change nothing', () => {
  const nameless = JSON.stringify(patched(built(), 'data.custom_data', {}))
  const polluted = nameless.replace('"custom_data":{', '"custom_data":{"__proto__":{"account_id":"org_evil"}')
  expect(normalise(polluted)).toMatchObject({ outcome: 'event', event: { accountId: null } })
})
