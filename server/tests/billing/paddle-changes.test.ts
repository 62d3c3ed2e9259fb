import { afterEach, describe, expect, test } from '@jest/globals'
import type { Payload } from '../../../scripts/webhook/scenario.ts'
import type { ProcessorApi } from '../../src/billing/processor.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import { asked, ASKED_AT, itemOn, startPaddle } from '../support/processors/paddle-api.ts'
import type { PaddleShop } from '../support/processors/paddle-api.ts'

const shops: PaddleShop[] = []

afterEach(async () => {
  for (const shop of shops.splice(0)) await shop.stop()
})

async function paddle(...options: Parameters<typeof startPaddle>): Promise<PaddleShop> {
  const shop = await startPaddle(...options)
  shops.push(shop)
  return shop
}

const subscriptionId = 'sub_01parley'
const LOOK = ['GET /subscriptions/sub_01parley?']
const CANCELS_AT = '2026-02-28T10:00:00.000000Z'
const scheduled = (action: string) => ({ action, effective_at: CANCELS_AT, resume_at: null })
const TO_GROWTH = { subscriptionId, priceId: 'pri_growth_monthly', when: 'now' } as const

describe('a plan change at Paddle', () => {
  test('now bills the difference at once and asks for no change when the payment fails', async () => {
    const shop = await paddle()
    await expect(shop.api.changePlan(TO_GROWTH, 'op_1')).resolves.toMatchObject({
      eventId: `fetch:sub_01parley:${ASKED_AT}`,
      eventType: 'fetched',
      kind: 'state',
      occurredAt: ASKED_AT,
      status: 'active',
      items: [{ priceId: 'pri_growth_monthly', periodEnd: '2026-02-28T10:00:00.000000Z' }]
    })
    expect(asked(shop)).toEqual([
      LOOK,
      [
        'PATCH /subscriptions/sub_01parley',
        {
          items: [{ price_id: 'pri_growth_monthly', quantity: 1 }],
          proration_billing_mode: 'prorated_immediately',
          on_payment_failure: 'prevent_change'
        }
      ]
    ])
  })

  test.each([
    ['at period end', {}, 'period_end'],
    ['during a trial', { status: 'trialing' }, 'now'],
    ['during a pause', { status: 'paused', current_billing_period: null }, 'now']
  ] as const)('%s bills nothing', async (_, subscription, when) => {
    const shop = await paddle(subscription)
    await shop.api.changePlan({ ...TO_GROWTH, when }, 'op_1')
    expect(asked(shop)[1]).toEqual([
      'PATCH /subscriptions/sub_01parley',
      { items: [{ price_id: 'pri_growth_monthly', quantity: 1 }], proration_billing_mode: 'do_not_bill' }
    ])
    expect(shop.charges).toBe(0)
  })

  test('with a declined payment is refused as declined, in a sentence without ids', async () => {
    const shop = await paddle()
    shop.refuse('PATCH', 400, 'subscription_payment_declined')
    await expect(shop.api.changePlan(TO_GROWTH, 'op_1')).rejects.toMatchObject({
      name: 'ProcessorRefusal',
      code: 'declined',
      message: 'The payment was declined. Nothing was changed.'
    })
  })

  test('would drop items beside the plan, and is refused before anything is sent', async () => {
    const shop = await paddle({ items: [itemOn('pri_starter_monthly'), itemOn('pri_seats_monthly')] })
    await expect(shop.api.changePlan(TO_GROWTH, 'op_1')).rejects.toMatchObject({ code: 'not_possible' })
    await expect(shop.api.previewChange(TO_GROWTH)).rejects.toMatchObject({ code: 'not_possible' })
    expect(asked(shop).flat().join()).not.toContain('PATCH')
  })

  test('of a subscription with a paid one-off item beside it goes on', async () => {
    const shop = await paddle({ items: [itemOn('pri_setup', { recurring: false }), itemOn('pri_starter_monthly')] })
    await expect(shop.api.changePlan(TO_GROWTH, 'op_1')).resolves.toMatchObject({ items: [{ priceId: 'pri_growth_monthly' }] })
  })

  test('that waits for the period end is Parley’s, and nothing is taken back at Paddle', async () => {
    const shop = await paddle()
    const told = await shop.api.undoPlanChange({ subscriptionId }, 'op_1')
    expect(told.items).toMatchObject([{ priceId: 'pri_starter_monthly' }])
    expect(asked(shop)).toEqual([LOOK])
  })
})

describe('the other changes of a Paddle subscription', () => {
  test.each([
    ['now', 'immediately', { status: 'canceled' }],
    ['period_end', 'next_billing_period', { status: 'active', cancelsAt: CANCELS_AT }]
  ] as const)('a cancellation %s takes effect %s', async (when, effective_from, outcome) => {
    const shop = await paddle()
    await expect(shop.api.cancel({ subscriptionId, when }, 'op_1')).resolves.toMatchObject(outcome)
    expect(asked(shop)[1]).toEqual(['POST /subscriptions/sub_01parley/cancel', { effective_from }])
  })

  test('a pause takes effect at once', async () => {
    const shop = await paddle()
    await expect(shop.api.pause({ subscriptionId }, 'op_1')).resolves.toMatchObject({ status: 'paused' })
    expect(asked(shop)[1]).toEqual(['POST /subscriptions/sub_01parley/pause', { effective_from: 'immediately' }])
  })

  test('resuming takes a planned cancellation back', async () => {
    const shop = await paddle({ scheduled_change: scheduled('cancel') })
    await expect(shop.api.resume({ subscriptionId }, 'op_1')).resolves.toMatchObject({ status: 'active', cancelsAt: null })
    expect(asked(shop)[1]).toEqual(['PATCH /subscriptions/sub_01parley', { scheduled_change: null }])
  })

  const RESUMPTION = scheduled('resume')
  test.each([null, RESUMPTION])('resuming starts a paused subscription at once, with %p planned', async (scheduled_change) => {
    const shop = await paddle({ status: 'paused', current_billing_period: null, scheduled_change })
    await expect(shop.api.resume({ subscriptionId }, 'op_1')).resolves.toMatchObject({ status: 'active' })
    expect(asked(shop)[1]).toEqual(['POST /subscriptions/sub_01parley/resume', { effective_from: 'immediately', on_resume: 'continue_existing_billing_period' }])
  })

  test('resuming one that has ended is refused', async () => {
    const shop = await paddle({ status: 'canceled', current_billing_period: null })
    await expect(shop.api.resume({ subscriptionId }, 'op_1')).rejects.toMatchObject({
      code: 'not_possible',
      message: 'The subscription has ended.'
    })
  })
})

/** CHANGES: by name, the call, what the subscription is like before, and how often the whole of it charges. */
const CHANGES: [string, (api: ProcessorApi) => Promise<unknown>, Payload, number][] = [
  ['a plan change now', (api) => api.changePlan(TO_GROWTH, 'op_1'), {}, 1],
  ['a plan change at period end', (api) => api.changePlan({ ...TO_GROWTH, when: 'period_end' }, 'op_1'), {}, 0],
  ['a cancellation now', (api) => api.cancel({ subscriptionId, when: 'now' }, 'op_1'), {}, 0],
  ['a cancellation at period end', (api) => api.cancel({ subscriptionId, when: 'period_end' }, 'op_1'), {}, 0],
  ['a pause', (api) => api.pause({ subscriptionId }, 'op_1'), {}, 0],
  ['a resumption', (api) => api.resume({ subscriptionId }, 'op_1'), { status: 'paused', current_billing_period: null }, 1],
  ['a cancellation taken back', (api) => api.resume({ subscriptionId }, 'op_1'), { scheduled_change: scheduled('cancel') }, 0]
]

describe.each(CHANGES)('%s at Paddle', (_, call, before, charges) => {
  const changing = (shop: PaddleShop) => shop.requests.filter(({ method }) => method !== 'GET')

  test('whose answer is lost is unknown, and its repeat has no second effect', async () => {
    const shop = await paddle(before)
    shop.lose('PATCH')
    shop.lose('POST')
    await expect(call(shop.api)).rejects.toBeInstanceOf(AnswerUnknown)
    const state = structuredClone(shop.subscription)
    await expect(call(shop.api)).resolves.toMatchObject({ kind: 'state', subscriptionId })
    expect(shop.subscription).toEqual(state)
    expect(shop.charges).toBe(charges)
    expect(changing(shop)).toHaveLength(1)
  })

  test('that is refused because it came through meanwhile has come through', async () => {
    const shop = await paddle(before)
    const twin = await paddle(before)
    await call(twin.api)
    // The look before the change still sees the old state; the change then finds it done.
    const { subscription } = shop
    shop.refuse('PATCH', 409, 'concurrent_modification')
    shop.refuse('POST', 409, 'concurrent_modification')
    Object.defineProperty(shop, 'subscription', {
      get: () => (changing(shop).length === 0 ? subscription : twin.subscription)
    })
    await expect(call(shop.api)).resolves.toMatchObject({ kind: 'state', subscriptionId })
    expect(changing(shop)).toHaveLength(1)
  })

  test.each([
    ['subscription_locked_renewal', 'busy'],
    ['subscription_locked_processing', 'busy'],
    ['concurrent_modification', 'busy'],
    ['subscription_locked_pending_changes', 'not_possible'],
    ['subscription_update_when_past_due', 'not_possible'],
    ['subscription_of_a_kind_of_tomorrow', 'not_possible'],
    ['invalid_field', 'invalid']
  ])('refused with %s is %s, says so without ids, and has changed nothing', async (code, kind) => {
    const shop = await paddle(before)
    const state = structuredClone(shop.subscription)
    shop.refuse('PATCH', 409, code)
    shop.refuse('POST', 409, code)
    const refusal = await call(shop.api).then(() => 'done', (error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'ProcessorRefusal', code: kind, message: expect.not.stringContaining('sub_') })
    expect(shop.subscription).toEqual(state)
  })

  test.each([
    [403, 'forbidden'],
    [429, 'too_many_requests'],
    [500, 'internal_error'],
    [503, 'service_unavailable']
  ])('answered with %i is unknown, not refused', async (status, code) => {
    const shop = await paddle(before)
    shop.refuse('PATCH', status, code, 'api_error')
    shop.refuse('POST', status, code, 'api_error')
    await expect(call(shop.api)).rejects.toBeInstanceOf(AnswerUnknown)
  })

  test('is not sent when the look before it is not answered', async () => {
    const shop = await paddle(before, 100)
    shop.silence('GET')
    await expect(call(shop.api)).rejects.toBeInstanceOf(AnswerUnknown)
    expect(changing(shop)).toEqual([])
  })
})

test('a change at Paddle that is not answered in time is unknown, and nothing is sent after it', async () => {
  const shop = await paddle({}, 1_500)
  shop.silence('PATCH')
  const outcome = shop.api.changePlan(TO_GROWTH, 'op_1')
  await expect(outcome).rejects.toBeInstanceOf(AnswerUnknown)
  await expect(outcome).rejects.toThrow('Paddle did not answer within 1500 ms')
  expect(shop.requests).toHaveLength(2)
})
