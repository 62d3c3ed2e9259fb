import { afterEach, describe, expect, test } from '@jest/globals'
import { passTo, startStripeTwin, subscribe, typesOf } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const started: StripeTwin[] = []
async function start(...options: Parameters<typeof startStripeTwin>): Promise<StripeTwin> {
  const twin = await startStripeTwin(...options)
  started.push(twin)
  return twin
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((twin) => twin.close()))
})

function instant(seconds: number | undefined): string {
  return new Date((seconds ?? 0) * 1000).toISOString()
}

async function periodOf({ stripe }: StripeTwin, id: string): Promise<[string, string]> {
  const item = (await stripe.subscriptions.retrieve(id)).items.data[0]
  return [instant(item?.current_period_start), instant(item?.current_period_end)]
}

async function statusOf({ stripe }: StripeTwin, id: string): Promise<string> {
  return (await stripe.subscriptions.retrieve(id)).status
}

describe('a renewal', () => {
  test('advances the period at once, with a draft, and charges an hour later', async () => {
    const twin = await start()
    const id = await subscribe(twin)
    twin.world.take()
    twin.world.setNow(Date.UTC(2026, 1, 28, 10))
    twin.dialect.runDue()
    expect(typesOf(twin.world).toSorted()).toEqual(['customer.subscription.updated', 'invoice.created'])
    expect(await periodOf(twin, id)).toEqual(['2026-02-28T10:00:00.000Z', '2026-03-31T10:00:00.000Z'])
    const [draft] = (await twin.stripe.invoices.list({ subscription: id })).data
    expect(draft).toMatchObject({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      period_start: Date.UTC(2026, 0, 31, 10) / 1000
    })
    expect(draft?.lines.data[0]?.period).toEqual({
      start: Date.UTC(2026, 1, 28, 10) / 1000,
      end: Date.UTC(2026, 2, 31, 10) / 1000
    })
    expect(twin.dialect.nextDue()).toBe(Date.UTC(2026, 1, 28, 11))
    twin.world.advance(HOUR)
    twin.dialect.runDue()
    expect(typesOf(twin.world)).toEqual(
      expect.arrayContaining(['invoice.finalized', 'charge.succeeded', 'invoice.paid', 'invoice_payment.paid'])
    )
  })

  test.each([
    [
      'price_starter_monthly',
      Date.UTC(2024, 0, 31, 23, 30),
      [
        '2024-01-31',
        '2024-02-29',
        '2024-03-31',
        '2024-04-30',
        '2024-05-31',
        '2024-06-30',
        '2024-07-31',
        '2024-08-31',
        '2024-09-30',
        '2024-10-31',
        '2024-11-30',
        '2024-12-31',
        '2025-01-31',
        '2025-02-28',
        '2025-03-31',
        '2025-04-30',
        '2025-05-31',
        '2025-06-30',
        '2025-07-31',
        '2025-08-31',
        '2025-09-30',
        '2025-10-31',
        '2025-11-30',
        '2025-12-31',
        '2026-01-31'
      ]
    ],
    ['price_starter_yearly', Date.UTC(2024, 1, 29, 12), ['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']]
  ])('of %s keeps its day of the month where the month has it', async (price, startMs, days) => {
    const twin = await start(startMs)
    const id = await subscribe(twin, { price })
    const seen: string[] = []
    for (const day of days) {
      const [begin, end] = await periodOf(twin, id)
      seen.push(begin.slice(0, 10))
      expect(begin.slice(10)).toBe(new Date(startMs).toISOString().slice(10))
      expect(begin.slice(0, 10)).toBe(day)
      passTo(twin, Date.parse(end))
    }
    expect(seen).toEqual(days)
  })

  test('after a trial is the first to cost something, and is announced three days before', async () => {
    const twin = await start()
    const id = await subscribe(twin, { trialDays: 14, card: 'good' })
    twin.world.take()
    passTo(twin, Date.UTC(2026, 1, 11, 10))
    expect(typesOf(twin.world)).toEqual(['customer.subscription.trial_will_end'])
    passTo(twin, Date.UTC(2026, 1, 14, 11))
    expect(await statusOf(twin, id)).toBe('active')
    expect(await periodOf(twin, id)).toEqual(['2026-02-14T10:00:00.000Z', '2026-03-14T10:00:00.000Z'])
    expect((await twin.stripe.invoices.list({ subscription: id })).data[0]).toMatchObject({
      billing_reason: 'subscription_cycle',
      amount_paid: 1900,
      status: 'paid'
    })
  })
})

describe('a card that declines later', () => {
  test('makes the subscription past due, is tried after 3, 5 and 7 days, and ends it', async () => {
    const twin = await start()
    const id = await subscribe(twin, { card: 'declined_later' })
    const due = Date.UTC(2026, 1, 28, 11)
    passTo(twin, due)
    expect(await statusOf(twin, id)).toBe('past_due')
    const tries = [due]
    for (const days of [3, 5]) {
      const [invoice] = (await twin.stripe.invoices.list({ subscription: id })).data
      tries.push((invoice?.next_payment_attempt ?? 0) * 1000)
      passTo(twin, tries.at(-1) ?? 0)
      expect((tries.at(-1) ?? 0) - (tries.at(-2) ?? 0)).toBe(days * DAY)
    }
    passTo(twin, (tries.at(-1) ?? 0) + 7 * DAY - 1000)
    expect(await statusOf(twin, id)).toBe('past_due')
    twin.world.take()
    passTo(twin, (tries.at(-1) ?? 0) + 7 * DAY)
    expect(typesOf(twin.world)).toEqual(
      expect.arrayContaining(['charge.failed', 'invoice.payment_failed', 'customer.subscription.deleted'])
    )
    expect(await twin.stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'payment_failed' }
    })
    expect(twin.dialect.nextDue()).toBeNull()
  })

  test('can leave the subscription unpaid instead', async () => {
    const twin = await start(undefined, { afterRetries: 'unpaid' })
    const id = await subscribe(twin, { card: 'declined_later' })
    passTo(twin, Date.UTC(2026, 2, 20))
    expect(await statusOf(twin, id)).toBe('unpaid')
    expect(twin.dialect.subscriptions()[0]?.status).toBe('paused')
  })

  test('recovers at once when a good one takes its place', async () => {
    const twin = await start()
    const id = await subscribe(twin, { card: 'declined_later' })
    passTo(twin, Date.UTC(2026, 2, 1))
    twin.world.take()
    twin.dialect.control.setCard(id, 'good')
    expect(typesOf(twin.world)).toEqual(expect.arrayContaining(['invoice.paid', 'customer.subscription.updated']))
    expect(await statusOf(twin, id)).toBe('active')
    expect((await twin.stripe.invoices.list({ subscription: id, status: 'open' })).data).toEqual([])
  })

  test('is refused with its reason when its owner pays the invoice by hand', async () => {
    const twin = await start()
    const id = await subscribe(twin, { card: 'declined_later' })
    passTo(twin, Date.UTC(2026, 2, 1))
    const [invoice] = (await twin.stripe.invoices.list({ subscription: id })).data
    await expect(twin.stripe.invoices.pay(invoice?.id ?? '')).rejects.toMatchObject({
      statusCode: 402,
      decline_code: 'generic_decline'
    })
  })
})

test('a clock that jumps a year leaves the same as one that goes from due time to due time, to the last webhook', async () => {
  const lives = await Promise.all([start(), start()])
  const ends = await Promise.all(
    lives.map(async (twin, place) => {
      await subscribe(twin)
      await subscribe(twin, { price: 'price_growth_yearly', trialDays: 14 })
      const failing = await subscribe(twin, { price: 'price_growth_monthly', card: 'declined_later' })
      const ending = await subscribe(twin, { price: 'price_enterprise_monthly' })
      const moving = await subscribe(twin, { price: 'price_enterprise_monthly' })
      twin.dialect.control.cancel(ending, 'period_end')
      const schedule = await twin.stripe.subscriptionSchedules.create({ from_subscription: moving })
      const [phase] = schedule.phases
      await twin.stripe.subscriptionSchedules.update(schedule.id, {
        phases: [
          {
            items: [{ price: 'price_enterprise_monthly', quantity: 1 }],
            start_date: phase?.start_date ?? 0,
            end_date: phase?.end_date ?? 0
          },
          { items: [{ price: 'price_starter_monthly', quantity: 1 }], duration: { interval: 'month', interval_count: 1 } }
        ]
      })
      const until = twin.world.nowMs() + 366 * DAY
      if (place === 0) passTo(twin, until)
      else {
        twin.world.setNow(until)
        twin.dialect.runDue()
      }
      expect((await twin.stripe.subscriptions.retrieve(failing)).status).toBe('canceled')
      const text = JSON.stringify({
        state: twin.dialect.save(),
        sent: twin.world.sent,
        subscriptions: twin.dialect.subscriptions()
      })
      // The SDK makes up a key for each call.
      return text.replaceAll(twin.origin, 'http://twin').replaceAll(/stripe-node-retry-[0-9a-f-]+/g, 'key')
    })
  )
  expect(ends[0]?.length).toBeGreaterThan(100_000)
  expect(ends[1] === ends[0]).toBe(true)
})

test('a life that is saved and loaded half way goes on as if nothing had happened', async () => {
  const [whole, halved] = await Promise.all([start(), start()])
  await subscribe(whole, { card: 'declined_later' })
  await subscribe(halved, { card: 'declined_later' })
  const half = Date.UTC(2026, 2, 2)
  for (const twin of [whole, halved]) passTo(twin, half)
  const kept: unknown = JSON.parse(JSON.stringify(halved.dialect.save()))
  halved.dialect.load({ ...(halved.dialect.save() as object), subscriptions: {}, invoices: {} })
  expect(halved.dialect.subscriptions()).toEqual([])
  halved.dialect.load(kept)
  for (const twin of [whole, halved]) passTo(twin, Date.UTC(2026, 5, 1))
  expect(halved.dialect.subscriptions()).toEqual(whole.dialect.subscriptions())
  expect(typesOf(halved.world)).toEqual(typesOf(whole.world))
  expect(() => halved.dialect.load({ subscriptions: 1 })).toThrow()
})
