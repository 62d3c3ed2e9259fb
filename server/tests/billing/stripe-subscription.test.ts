import { describe, expect, test } from '@jest/globals'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import type { Payload, Scenario } from '../../../scripts/webhook/scenario.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { patched, scenarioOf } from '../support/processors/scenario.ts'

const { normalise } = createStripe({ webhookSecrets: [], apiKey: null })

function built(changes: Partial<Scenario> = {}): Payload {
  return buildEvent('stripe', scenarioOf('stripe', changes))
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

const STARTER = {
  priceId: 'price_starter_monthly',
  periodStart: '2026-01-31T10:00:00.000Z',
  periodEnd: '2026-02-28T10:00:00.000Z'
}

describe('a Stripe subscription', () => {
  test('is told completely', () => {
    expect(eventOf(built())).toEqual({
      processor: 'stripe',
      eventId: 'evt_1Parley',
      eventType: 'customer.subscription.created',
      kind: 'state',
      occurredAt: '2026-01-31T10:00:07.000Z',
      rank: 0,
      accountId: 'org_parley',
      customerId: 'cus_Parley',
      subscriptionId: 'sub_1Parley',
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

  test('means the same in the shape of 2020 and in the current one', () => {
    for (const event of ['created', 'updated', 'past_due', 'paused', 'resumed', 'canceled'] as const) {
      expect(eventOf(built({ event, shape: 'old' }))).toEqual(eventOf(built({ event, shape: 'current' })))
    }
  })

  test.each([
    ['created', 'customer.subscription.created', 0, 'active'],
    ['updated', 'customer.subscription.updated', 2, 'active'],
    ['past_due', 'customer.subscription.updated', 2, 'past_due'],
    ['paused', 'customer.subscription.paused', 2, 'paused'],
    ['resumed', 'customer.subscription.resumed', 2, 'active'],
    ['canceled', 'customer.subscription.deleted', 3, 'canceled']
  ] as const)('%s comes as %s with rank %i and status %s', (event, eventType, rank, status) => {
    expect(eventOf(built({ event }))).toMatchObject({ eventType, rank, status, kind: 'state', payment: null })
  })

  test.each([
    ['active', 'active'],
    ['trialing', 'trialing'],
    ['past_due', 'past_due'],
    ['unpaid', 'paused'],
    ['paused', 'paused'],
    ['incomplete', 'incomplete'],
    ['incomplete_expired', 'canceled'],
    ['canceled', 'canceled']
  ])('status %s is Parley’s %s', (theirs, ours) => {
    expect(eventOf(patched(built({ event: 'updated' }), 'data.object.status', theirs)).status).toBe(ours)
  })

  test('a deletion ends it even when the object still says active', () => {
    expect(eventOf(patched(built({ event: 'canceled' }), 'data.object.status', 'active'))).toMatchObject({ status: 'canceled', rank: 3 })
  })

  test('pausing the collection does not pause the service', () => {
    for (const behavior of ['void', 'keep_as_draft', 'mark_uncollectible']) {
      expect(eventOf(patched(built(), 'data.object.pause_collection', { behavior, resumes_at: null })).status).toBe('active')
    }
  })

  test('an expanded customer is read by its id', () => {
    expect(eventOf(patched(built(), 'data.object.customer', { id: 'cus_Expanded', object: 'customer' })).customerId).toBe('cus_Expanded')
  })

  test('items with mixed intervals keep each its own period', () => {
    const yearly = {
      price: { id: 'price_seats_yearly' },
      current_period_start: 1_738_317_600,
      current_period_end: 1_769_853_600
    }
    const payload = built()
    const first = (payload as { data: { object: { items: { data: unknown[] } } } }).data.object.items.data[0]
    expect(eventOf(patched(payload, 'data.object.items.data', [first, yearly])).items).toEqual([
      STARTER,
      { priceId: 'price_seats_yearly', periodStart: '2025-01-31T10:00:00.000Z', periodEnd: '2026-01-31T10:00:00.000Z' }
    ])
  })

  test('a plan stands in for an absent price, and a top-level plan for absent items', () => {
    const old = built({ shape: 'old' })
    expect(eventOf(patched(old, 'data.object.items.data.0.price', undefined)).items).toEqual([STARTER])
    expect(eventOf(patched(old, 'data.object.items', undefined)).items).toEqual([STARTER])
  })

  test('a period that is nowhere stays unknown', () => {
    const payload = patched(built(), 'data.object.items.data.0.current_period_start', undefined)
    expect(eventOf(patched(payload, 'data.object.items.data.0.current_period_end', null)).items).toEqual([
      { priceId: 'price_starter_monthly', periodStart: null, periodEnd: null }
    ])
  })

  test('cancelsAt is the set time, or the end of the period when it ends with that', () => {
    expect(eventOf(patched(built(), 'data.object.cancel_at', 1_780_000_000)).cancelsAt).toBe('2026-05-28T20:26:40.000Z')
    for (const shape of ['old', 'current'] as const) {
      expect(eventOf(patched(built({ shape }), 'data.object.cancel_at_period_end', true)).cancelsAt).toBe('2026-02-28T10:00:00.000Z')
    }
  })

  test('an account that is not in the metadata is null', () => {
    for (const metadata of [{}, { account_id: '' }, null, undefined]) {
      expect(eventOf(patched(built(), 'data.object.metadata', metadata)).accountId).toBeNull()
    }
  })

  test.each([
    ['id', undefined],
    ['id', 'sub_\u0000'],
    ['object', 'invoice'],
    ['customer', null],
    ['customer', { object: 'customer' }],
    ['status', 'frozen'],
    ['status', null],
    ['items', []],
    ['items.data', []],
    ['items.data.0.price', { object: 'price' }],
    ['items.data.0.current_period_start', '1769853600'],
    ['items.data.0.current_period_start', 1.5],
    ['items.data.0.current_period_end', 1_700_000_000],
    ['items.data.0.current_period_end', 1e15],
    ['cancel_at', true],
    ['metadata', 'none'],
    ['metadata.account_id', 7],
    ['metadata.account_id', 'org\nparley']
  ])('with an unknown %s it is rejected, and the reason names the field but no value', (field, value) => {
    const reason = reasonOf(patched(built(), `data.object.${field}`, value))
    expect(reason).toMatch(`rejected: data.object.${field}`)
    if (typeof value === 'string') expect(reason).not.toContain(value)
  })

  test('an item with neither price nor plan is rejected', () => {
    const payload = patched(patched(built(), 'data.object.items.data.0.price', null), 'data.object.items.data.0.plan', null)
    expect(reasonOf(payload)).toBe('rejected: data.object.items.data.0.price: expected a price or a plan')
  })

  test.each([['created', 'soon'], ['created', undefined], ['object', 'v3'], ['data', null]])('an event with an unknown %s is rejected', (field, value) => {
    expect(reasonOf(patched(built(), field, value))).toMatch(`rejected: ${field}`)
  })
})

describe('a Stripe event Parley does not act on', () => {
  test.each(['customer.subscription.trial_will_end', 'invoice.created', 'constructor', '__proto__', 'toString'])('%s is ignored', (type) => {
    expect(reasonOf({ ...built(), type })).toBe('ignored: Parley does not act on this event type')
  })

  test('is ignored with its own time, and without one with the oldest', () => {
    const payload = { ...built(), type: 'tax_rate.created' }
    expect(normalise(JSON.stringify(payload))).toMatchObject({ occurredAt: '2026-01-31T10:00:07.000Z' })
    expect(normalise(JSON.stringify({ ...payload, created: 'yesterday' }))).toMatchObject({ occurredAt: '1970-01-01T00:00:00.000Z' })
  })

  test('a thin event is ignored, whatever its type', () => {
    const thin = {
      id: 'evt_test_65Parley',
      object: 'v2.core.event',
      type: 'customer.subscription.updated',
      created: '2026-01-31T10:00:07.123Z',
      related_object: { id: 'sub_1Parley', type: 'subscription', url: '/v1/subscriptions/sub_1Parley' }
    }
    expect(normalise(JSON.stringify(thin))).toEqual({
      outcome: 'ignored',
      eventId: 'evt_test_65Parley',
      eventType: 'customer.subscription.updated',
      occurredAt: '2026-01-31T10:00:07.123Z',
      reason: expect.stringContaining('thin event')
    })
  })
})

test('keys that name a prototype change nothing', () => {
  const polluted = JSON.stringify(built()).replace(
    '"metadata":{"account_id"',
    '"__proto__":{"status":"canceled"},"constructor":{"prototype":{"status":"x"}},"metadata":{"__proto__":{"x":1},"account_id"'
  )
  expect(polluted).toContain('__proto__')
  const result = normalise(polluted)
  expect(result).toEqual({ outcome: 'event', event: eventOf(built()) })
  expect(Object.prototype).not.toHaveProperty('account_id')
  const nameless = patched(built(), 'data.object.metadata', {})
  const hidden = JSON.stringify(nameless).replaceAll('"metadata":{', '"metadata":{"__proto__":{"account_id":"org_evil"}')
  expect(normalise(hidden)).toMatchObject({ event: { accountId: null } })
})
