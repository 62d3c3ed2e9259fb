import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { istDate, openShop, type RazorpayShop, refusalOf } from './support/razorpay-shop.ts'

const DAY_MS = 86_400_000
// 10 March 2026, 13:30 in India.
const START_MS = Date.UTC(2026, 2, 10, 8)

let shop: RazorpayShop
beforeEach(async () => {
  shop = await openShop(START_MS)
})
afterEach(() => shop.close())

const active = async (planId = 'plan_starter_monthly', card: 'good' | 'declined_later' = 'good'): Promise<string> => {
  const { id } = await shop.razorpay.subscriptions.create({
    plan_id: planId,
    total_count: 60,
    notes: { account_id: 'account-1' }
  })
  shop.dialect.control.pay(id, card)
  shop.told()
  return id
}
const names = (): string[] => shop.told().map(({ event }) => event)

describe('changing the plan at once', () => {
  test('an upgrade on the 11th day costs the difference for the 20 days of 30 that are left', async () => {
    const id = await active()
    shop.step(START_MS + 10 * DAY_MS)
    const before = await shop.razorpay.subscriptions.fetch(id)
    const changed = await shop.razorpay.subscriptions.update(id, { plan_id: 'plan_growth_monthly', schedule_change_at: 'now' })
    expect(changed).toMatchObject({
      plan_id: 'plan_growth_monthly',
      status: 'active',
      current_end: before.current_end,
      paid_count: 1,
      remaining_count: 59
    })
    const told = shop.told()
    expect(told.map(({ event }) => event)).toEqual([
      'payment.authorized',
      'payment.captured',
      'order.paid',
      'invoice.paid',
      'subscription.charged',
      'subscription.updated'
    ])
    expect(told[1]?.payload['payment']?.entity['amount']).toBe(((7900 - 1900) * 20) / 30)
    expect(told.at(-1)?.payload['subscription']?.entity['plan_id']).toBe('plan_growth_monthly')
  })

  test('a downgrade gives the difference back by a refund of what was paid', async () => {
    const id = await active('plan_growth_monthly')
    shop.step(START_MS + 10 * DAY_MS)
    await shop.razorpay.subscriptions.update(id, { plan_id: 'plan_starter_monthly' })
    const told = shop.told()
    expect(told.map(({ event }) => event)).toEqual(['refund.created', 'refund.processed', 'subscription.updated'])
    expect(told[0]?.payload['refund']?.entity['amount']).toBe(4000)
    expect(told[0]?.payload['payment']?.entity).toMatchObject({ amount_refunded: 4000, refund_status: 'partial' })
  })

  test('another frequency opens a new cycle today, paid in full less the rest of the old', async () => {
    const id = await active()
    shop.step(START_MS + 10 * DAY_MS)
    const changed = await shop.razorpay.subscriptions.update(id, { plan_id: 'plan_growth_yearly' })
    expect(changed.current_start).toBe((START_MS + 10 * DAY_MS) / 1000)
    expect(istDate(changed.current_end)).toBe('2027-03-20 00:00')
    expect(changed.remaining_count).toBe(58)
    expect(shop.told()[1]?.payload['payment']?.entity['amount']).toBe(80_580 - Math.round((1900 * 20) / 30))
    shop.step(Date.UTC(2027, 2, 20))
    expect(shop.told().at(-1)).toMatchObject({
      event: 'subscription.charged',
      payload: { payment: { entity: { amount: 80_580 } } }
    })
  })

  test('a declined difference changes nothing and says so', async () => {
    const id = await active('plan_starter_monthly', 'declined_later')
    const refusal = await refusalOf(shop.razorpay.subscriptions.update(id, { plan_id: 'plan_growth_monthly' }))
    expect(refusal).toMatchObject({ statusCode: 400, error: { code: 'BAD_REQUEST_ERROR', reason: 'payment_failed' } })
    expect(names()).toEqual(['payment.failed'])
    expect(await shop.razorpay.subscriptions.fetch(id)).toMatchObject({
      plan_id: 'plan_starter_monthly',
      status: 'active',
      remaining_count: 59
    })
  })
})

describe('changing the plan at the end of the cycle', () => {
  test('the change is fetched, waits, and the next charge is for the new plan', async () => {
    const id = await active('plan_growth_monthly')
    const answer = await shop.razorpay.subscriptions.update(id, {
      plan_id: 'plan_starter_monthly',
      schedule_change_at: 'cycle_end'
    })
    expect(answer).toMatchObject({
      plan_id: 'plan_growth_monthly',
      has_scheduled_changes: true,
      change_scheduled_at: answer.current_end
    })
    expect(await shop.razorpay.subscriptions.pendingUpdate(id)).toMatchObject({
      plan_id: 'plan_starter_monthly',
      has_scheduled_changes: true
    })
    expect(names()).toEqual([])
    shop.step(Number(answer.current_end) * 1000)
    expect(shop.told().slice(-2)).toMatchObject([
      {
        event: 'subscription.charged',
        payload: {
          subscription: { entity: { plan_id: 'plan_starter_monthly', has_scheduled_changes: false } },
          payment: { entity: { amount: 1900 } }
        }
      },
      { event: 'subscription.updated', payload: { subscription: { entity: { current_start: answer.current_end } } } }
    ])
  })

  test('it is taken back until then, and a second time there is nothing to take back', async () => {
    const id = await active('plan_growth_monthly')
    await shop.razorpay.subscriptions.update(id, { plan_id: 'plan_starter_monthly', schedule_change_at: 'cycle_end' })
    expect(await shop.razorpay.subscriptions.cancelScheduledChanges(id)).toMatchObject({
      has_scheduled_changes: false,
      change_scheduled_at: null
    })
    expect((await refusalOf(shop.razorpay.subscriptions.cancelScheduledChanges(id))).error['description']).toBe(
      'No Pending update for this subscription'
    )
    shop.step(START_MS + 40 * DAY_MS)
    expect((await shop.razorpay.subscriptions.fetch(id)).plan_id).toBe('plan_growth_monthly')
  })
})

describe('cancelling', () => {
  test('now: cancelled, and it stays so', async () => {
    const id = await active()
    expect(await shop.razorpay.subscriptions.cancel(id)).toMatchObject({
      status: 'cancelled',
      ended_at: START_MS / 1000,
      charge_at: null
    })
    expect(names()).toEqual(['subscription.cancelled'])
    shop.step(START_MS + 100 * DAY_MS)
    expect(names()).toEqual([])
    expect(await refusalOf(shop.razorpay.subscriptions.cancel(id))).toMatchObject({
      statusCode: 400,
      error: { description: 'Subscription is not cancellable in cancelled status.', field: 'status' }
    })
  })

  test('at the cycle end: nothing shows until then, and nothing is charged', async () => {
    const id = await active()
    const before = await shop.razorpay.subscriptions.fetch(id)
    expect(await shop.razorpay.subscriptions.cancel(id, true)).toEqual(before)
    expect(shop.dialect.subscriptions()).toMatchObject([
      { status: 'active', cancelsAt: new Date(Number(before.current_end) * 1000).toISOString() }
    ])
    expect(names()).toEqual([])
    shop.step(START_MS + 100 * DAY_MS)
    expect(shop.told()).toMatchObject([
      {
        event: 'subscription.cancelled',
        created_at: before.current_end,
        payload: { subscription: { entity: { ended_at: before.current_end, paid_count: 1 } } }
      }
    ])
  })

  test('at the cycle end is refused before the first cycle', async () => {
    const { id } = await shop.razorpay.subscriptions.create({
      plan_id: 'plan_starter_monthly',
      total_count: 12,
      start_at: START_MS / 1000 + 86_400
    })
    shop.dialect.control.pay(id, 'good')
    expect((await refusalOf(shop.razorpay.subscriptions.cancel(id, true))).error['description']).toBe(
      'Subscription cannot be cancelled since no billing cycle is going on'
    )
    expect((await shop.razorpay.subscriptions.cancel(id)).status).toBe('cancelled')
  })

  test('who is deleted has all subscriptions cancelled', async () => {
    const id = await active()
    shop.dialect.control.deleteCustomer(String((await shop.razorpay.subscriptions.fetch(id)).customer_id))
    expect(names()).toEqual(['subscription.cancelled'])
  })
})

describe('pausing', () => {
  test('paused, nothing is charged; resumed within the cycle, the next charge is at its end', async () => {
    const id = await active()
    const before = await shop.razorpay.subscriptions.fetch(id)
    expect(await shop.razorpay.subscriptions.pause(id, { pause_at: 'now' })).toMatchObject({
      status: 'paused',
      charge_at: null,
      pause_initiated_by: 'self'
    })
    shop.step(START_MS + 5 * DAY_MS)
    expect(await shop.razorpay.subscriptions.resume(id, { resume_at: 'now' })).toMatchObject({
      status: 'active',
      charge_at: before.charge_at
    })
    expect(names()).toEqual(['subscription.paused', 'subscription.resumed'])
  })

  test('resumed long after its cycle, it is charged once at once, for the cycle of its schedule that runs', async () => {
    const id = await active()
    await shop.razorpay.subscriptions.pause(id)
    shop.step(START_MS + 100 * DAY_MS)
    shop.told()
    const resumed = await shop.razorpay.subscriptions.resume(id)
    expect(names().filter((name) => name === 'subscription.charged')).toHaveLength(1)
    expect([istDate(resumed.current_start), istDate(resumed.current_end)]).toEqual(['2026-06-10 00:00', '2026-07-10 00:00'])
    expect(resumed).toMatchObject({ paid_count: 2, remaining_count: 58 })
  })

  test('pausing a trial cancels it', async () => {
    const { id } = await shop.razorpay.subscriptions.create({
      plan_id: 'plan_starter_monthly',
      total_count: 12,
      start_at: START_MS / 1000 + 86_400
    })
    shop.dialect.control.pay(id, 'good')
    shop.told()
    expect((await shop.razorpay.subscriptions.pause(id)).status).toBe('cancelled')
    expect(names()).toEqual(['subscription.cancelled'])
  })

  test('pausing and resuming within one second never sends the same bytes twice', async () => {
    const id = await active()
    for (let round = 0; round < 3; round += 1) {
      await shop.razorpay.subscriptions.pause(id)
      await shop.razorpay.subscriptions.resume(id)
    }
    const bodies = shop.world.sent.map(({ body }) => body)
    expect(bodies).toHaveLength(6)
    expect(new Set(bodies).size).toBe(6)
    const times = shop.told().map(({ created_at: at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe('money back', () => {
  test('a refund in parts, and never more than was paid', async () => {
    const id = await active()
    const payment = (await shop.razorpay.invoices.all({ subscription_id: id })).items[0]?.payment_id ?? ''
    const refund = await shop.razorpay.payments.refund(payment, { amount: 500 })
    expect(refund).toMatchObject({ entity: 'refund', amount: 500, payment_id: payment, status: 'processed' })
    expect(names()).toEqual(['refund.created', 'refund.processed'])
    expect((await refusalOf(shop.razorpay.payments.refund(payment, { amount: 1500 }))).error['description']).toBe(
      'The refund amount provided is greater than amount captured'
    )
    shop.dialect.control.refund(id)
    expect(await shop.razorpay.payments.fetch(payment)).toMatchObject({
      status: 'refunded',
      amount_refunded: 1900,
      refund_status: 'full'
    })
    expect((await refusalOf(shop.razorpay.payments.refund(payment, {}))).error['description']).toBe(
      'The payment has been fully refunded already'
    )
    expect(() => shop.dialect.control.refund(id)).toThrow('Nothing was paid')
  })

  test('a dispute is opened and lost or won', async () => {
    const id = await active()
    const dispute = shop.dialect.control.dispute(id)
    shop.dialect.control.closeDispute(dispute, 'lost')
    expect(shop.told()).toMatchObject([
      {
        event: 'payment.dispute.created',
        contains: ['payment', 'dispute'],
        payload: { dispute: { entity: { id: dispute, status: 'open', amount_deducted: 0 } } }
      },
      { event: 'payment.dispute.lost', payload: { dispute: { entity: { status: 'lost', amount_deducted: 1900 } } } }
    ])
    expect(() => shop.dialect.control.closeDispute(dispute, 'won')).toThrow('lost already')
    shop.dialect.control.closeDispute(shop.dialect.control.dispute(id), 'won')
    expect(names()).toEqual(['payment.dispute.created', 'payment.dispute.won'])
  })
})
