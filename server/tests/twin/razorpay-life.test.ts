import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { istDate, openShop, type RazorpayShop } from './support/razorpay-shop.ts'

const DAY_MS = 86_400_000
// 31 January 2026, 15:30 in India.
const START_MS = Date.UTC(2026, 0, 31, 10)

let shop: RazorpayShop
beforeEach(async () => {
  shop = await openShop(START_MS)
})
afterEach(() => shop.close())

const subscribe = async (
  fields: { plan_id?: string; total_count?: number; start_at?: number; expire_by?: number } = {}
): Promise<string> =>
  (
    await shop.razorpay.subscriptions.create({
      plan_id: 'plan_starter_monthly',
      total_count: 120,
      notes: { account_id: 'account-1' },
      ...fields
    })
  ).id
const names = (): string[] => shop.told().map(({ event }) => event)

describe('the first payment', () => {
  test('an immediate start is active and charged at once, its first cycle runs to midnight in India', async () => {
    const id = await subscribe()
    expect(await shop.razorpay.subscriptions.fetch(id)).toMatchObject({
      status: 'created',
      customer_id: null,
      current_start: null,
      charge_at: null,
      start_at: null,
      remaining_count: 120,
      paid_count: 0,
      short_url: `${shop.origin}/i/${id}`
    })
    expect(shop.dialect.control.pay(id, 'good')).toBe(true)
    expect(names()).toEqual([
      'subscription.authenticated',
      'payment.authorized',
      'payment.captured',
      'order.paid',
      'invoice.paid',
      'subscription.activated',
      'subscription.charged'
    ])
    const now = await shop.razorpay.subscriptions.fetch(id)
    expect(now).toMatchObject({
      status: 'active',
      paid_count: 1,
      remaining_count: 119,
      current_start: START_MS / 1000,
      start_at: START_MS / 1000
    })
    expect(now.customer_id).toMatch(/^cust_/)
    expect(istDate(now.current_end)).toBe('2026-02-28 00:00')
    expect(now.charge_at).toBe(now.current_end)
  })

  test('a declined card leaves the subscription open, and another card still pays', async () => {
    const id = await subscribe()
    expect(shop.dialect.control.pay(id, 'declined')).toBe(false)
    expect(names()).toEqual(['payment.failed'])
    expect((await shop.razorpay.subscriptions.fetch(id)).status).toBe('created')
    expect(shop.dialect.control.pay(id, 'good')).toBe(true)
  })

  test('a future start waits as authenticated (trialing) and is charged at that second', async () => {
    const startAt = START_MS / 1000 + 14 * 86_400
    const id = await subscribe({ start_at: startAt })
    shop.dialect.control.pay(id, 'good')
    expect(names()).toEqual(['payment.authorized', 'subscription.authenticated'])
    expect(await shop.razorpay.subscriptions.fetch(id)).toMatchObject({
      status: 'authenticated',
      charge_at: startAt,
      current_start: null,
      paid_count: 0
    })
    expect(shop.dialect.subscriptions()).toMatchObject([{ status: 'trialing', accountId: 'account-1' }])
    expect(shop.dialect.nextDue()).toBe(startAt * 1000)
    shop.step(startAt * 1000 - 1000)
    expect(names()).toEqual([])
    shop.step(startAt * 1000)
    expect(names()).toEqual([
      'subscription.activated',
      'payment.authorized',
      'payment.captured',
      'order.paid',
      'invoice.paid',
      'subscription.charged'
    ])
    const now = await shop.razorpay.subscriptions.fetch(id)
    expect(now).toMatchObject({ status: 'active', current_start: startAt, paid_count: 1 })
    expect(istDate(now.current_end)).toBe('2026-03-14 00:00')
  })

  test('a trial whose card goes bad is pending at its end', async () => {
    const startAt = START_MS / 1000 + 14 * 86_400
    const id = await subscribe({ start_at: startAt })
    shop.dialect.control.pay(id, 'declined_later')
    shop.step(startAt * 1000)
    expect(shop.told().at(-1)).toMatchObject({
      event: 'subscription.pending',
      payload: { subscription: { entity: { paid_count: 0, auth_attempts: 1 } } }
    })
    expect((await shop.razorpay.subscriptions.fetch(id)).status).toBe('pending')
  })

  test('nobody pays: expired at the start or at expire_by, without an event', async () => {
    const trial = await subscribe({ start_at: START_MS / 1000 + 3600 })
    const link = await subscribe({ expire_by: START_MS / 1000 + 7200 })
    shop.step(START_MS + DAY_MS)
    expect((await shop.razorpay.subscriptions.fetch(trial)).status).toBe('expired')
    expect((await shop.razorpay.subscriptions.fetch(link)).status).toBe('expired')
    expect(names()).toEqual([])
    expect(() => shop.dialect.control.pay(trial, 'good')).toThrow('expired')
  })
})

describe('renewals', () => {
  test('two years of a start on the 31st fall on the last day of short months and come back to the 31st', async () => {
    const id = await subscribe()
    shop.dialect.control.pay(id, 'good')
    shop.told()
    shop.step(START_MS + 2 * 365 * DAY_MS)
    const charged = shop.told().filter(({ event }) => event === 'subscription.charged')
    const days = charged.map(({ payload }) => istDate(payload['subscription']?.entity['current_start'] as number))
    expect(days).toEqual(
      ['02-28', '03-31', '04-30', '05-31', '06-30', '07-31', '08-31', '09-30', '10-31', '11-30', '12-31']
        .map((day) => `2026-${day} 00:00`)
        .concat(
          ['01-31', '02-28', '03-31', '04-30', '05-31', '06-30', '07-31', '08-31', '09-30', '10-31', '11-30', '12-31'].map(
            (day) => `2027-${day} 00:00`
          )
        )
        .concat(['2028-01-31 00:00'])
    )
    for (const [index, { payload, created_at: createdAt }] of charged.entries()) {
      const subscription = payload['subscription']?.entity
      expect(subscription).toMatchObject({
        paid_count: index + 2,
        remaining_count: 118 - index,
        current_start: createdAt,
        charge_at: subscription?.['current_end']
      })
      expect(payload['payment']?.entity).toMatchObject({ amount: 1900, currency: 'USD', status: 'captured' })
    }
    const invoices = await shop.razorpay.invoices.all({ subscription_id: id, count: 100 })
    expect(invoices.items.map(({ status }) => status)).toEqual(Array(25).fill('paid'))
  })

  test('the last of total_count completes the subscription as it is paid', async () => {
    const id = await subscribe({ total_count: 3 })
    shop.dialect.control.pay(id, 'good')
    const endAt = (await shop.razorpay.subscriptions.fetch(id)).end_at
    expect(istDate(endAt)).toBe('2026-03-31 00:00')
    shop.told()
    shop.step(START_MS + 90 * DAY_MS)
    expect(shop.told().at(-1)).toMatchObject({
      event: 'subscription.completed',
      contains: ['subscription', 'payment'],
      payload: {
        subscription: { entity: { status: 'completed', remaining_count: 0, paid_count: 3, ended_at: endAt, charge_at: null } }
      }
    })
    expect(shop.dialect.nextDue()).toBeNull()
    expect(shop.dialect.subscriptions()).toMatchObject([{ status: 'canceled' }])
  })

  test('a yearly plan renews a year later', async () => {
    const id = await subscribe({ plan_id: 'plan_growth_yearly', total_count: 10 })
    shop.dialect.control.pay(id, 'good')
    expect(istDate((await shop.razorpay.subscriptions.fetch(id)).current_end)).toBe('2027-01-31 00:00')
  })
})

describe('dunning', () => {
  const failing = async (): Promise<string> => {
    const id = await subscribe()
    shop.dialect.control.pay(id, 'declined_later')
    shop.told()
    return id
  }
  const firstRenewalMs = Date.UTC(2026, 1, 27, 18, 30)

  test('a failed charge is retried on three days, then the subscription halts and its cycles go on unpaid', async () => {
    const id = await failing()
    shop.step(firstRenewalMs + 4 * DAY_MS)
    const told = shop.told()
    expect(told.map(({ event, created_at: at }) => [event, (at * 1000 - firstRenewalMs) / DAY_MS])).toEqual([
      ['payment.failed', 0],
      ['subscription.pending', 0],
      ['payment.failed', 1],
      ['subscription.pending', 1],
      ['payment.failed', 2],
      ['subscription.pending', 2],
      ['payment.failed', 3],
      ['subscription.halted', 3]
    ])
    expect(told[1]?.payload['subscription']?.entity).toMatchObject({
      status: 'pending',
      auth_attempts: 1,
      paid_count: 1,
      remaining_count: 118,
      charge_at: (firstRenewalMs + DAY_MS) / 1000
    })
    expect(shop.dialect.subscriptions()).toMatchObject([{ status: 'past_due' }])
    shop.step(firstRenewalMs + 40 * DAY_MS)
    expect(names()).toEqual([])
    const halted = await shop.razorpay.subscriptions.fetch(id)
    expect(halted).toMatchObject({ status: 'halted', remaining_count: 117, paid_count: 1 })
    expect(istDate(halted.current_start)).toBe('2026-03-31 00:00')
  })

  test('a new card while pending pays the open invoice and brings the subscription back', async () => {
    const id = await failing()
    shop.step(firstRenewalMs + DAY_MS)
    shop.told()
    shop.dialect.control.setCard(id, 'good')
    expect(names()).toEqual([
      'payment.authorized',
      'payment.captured',
      'order.paid',
      'invoice.paid',
      'subscription.activated',
      'subscription.charged'
    ])
    const back = await shop.razorpay.subscriptions.fetch(id)
    expect(back).toMatchObject({ status: 'active', auth_attempts: 0, paid_count: 2 })
    expect(istDate(back.charge_at)).toBe('2026-03-31 00:00')
  })

  test('a new card after halting makes it active without paying what was missed; the next cycle is charged', async () => {
    const id = await failing()
    shop.step(firstRenewalMs + 5 * DAY_MS)
    shop.told()
    shop.dialect.control.setCard(id, 'good')
    expect(names()).toEqual(['subscription.activated'])
    expect(await shop.razorpay.subscriptions.fetch(id)).toMatchObject({ status: 'active', paid_count: 1 })
    shop.step(Date.UTC(2026, 3, 1))
    expect(names()).toContain('subscription.charged')
  })

  test('a bad card while pending fails at once and leaves the days of the retries as they were', async () => {
    const id = await failing()
    shop.step(firstRenewalMs + 3_600_000)
    shop.told()
    shop.dialect.control.setCard(id, 'declined')
    expect(names()).toEqual(['payment.failed', 'subscription.pending'])
    expect(await shop.razorpay.subscriptions.fetch(id)).toMatchObject({
      auth_attempts: 1,
      charge_at: (firstRenewalMs + DAY_MS) / 1000
    })
  })
})
