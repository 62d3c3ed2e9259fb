import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type Stripe from 'stripe'
import { idOf, passTo, startStripeTwin, subscribe, typesOf } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'

const HALF_OF_MARCH = Date.UTC(2026, 2, 16, 12)
let twin: StripeTwin
beforeEach(async () => {
  twin = await startStripeTwin(Date.UTC(2026, 2, 1))
})
afterEach(() => twin.close())

async function get(id: string): Promise<Stripe.Subscription> {
  return twin.stripe.subscriptions.retrieve(id)
}

async function upgrade(id: string, price: string, more: Stripe.SubscriptionUpdateParams = {}): Promise<Stripe.Subscription> {
  const item = (await get(id)).items.data[0]
  return twin.stripe.subscriptions.update(id, {
    items: [{ id: item?.id ?? '', price }],
    proration_behavior: 'always_invoice',
    payment_behavior: 'error_if_incomplete',
    ...more
  })
}

function priceOf(one: Stripe.Subscription): string | undefined {
  return one.items.data[0]?.price.id
}

describe('an upgrade in the middle of a period', () => {
  test('costs the rest of the period by the second, as its preview said, and keeps the period', async () => {
    const id = await subscribe(twin)
    twin.world.setNow(HALF_OF_MARCH)
    const item = (await get(id)).items.data[0]
    const preview = await twin.stripe.invoices.createPreview({
      subscription: id,
      subscription_details: {
        items: [{ id: item?.id ?? '', price: 'price_growth_monthly' }],
        proration_behavior: 'always_invoice'
      }
    })
    expect(preview.amount_due).toBe((7900 - 1900) / 2)
    expect(priceOf(await get(id))).toBe('price_starter_monthly')
    twin.world.take()
    const after = await upgrade(id, 'price_growth_monthly')
    expect(priceOf(after)).toBe('price_growth_monthly')
    expect(after.items.data[0]?.current_period_end).toBe(item?.current_period_end)
    expect((await twin.stripe.invoices.list({ subscription: id })).data[0]).toMatchObject({
      billing_reason: 'subscription_update',
      amount_paid: 3000,
      lines: { data: [{ amount: -950, parent: { subscription_item_details: { proration: true } } }, { amount: 3950 }] }
    })
    expect(typesOf(twin.world)).toEqual(expect.arrayContaining(['customer.subscription.updated', 'invoice.paid']))
  })

  test('that is declined with error_if_incomplete says why, and changes and sends nothing', async () => {
    const id = await subscribe(twin, { card: 'declined_later' })
    twin.world.setNow(HALF_OF_MARCH)
    const before = JSON.stringify(await get(id))
    twin.world.take()
    await expect(upgrade(id, 'price_growth_monthly')).rejects.toMatchObject({
      type: 'StripeCardError',
      code: 'card_declined',
      decline_code: 'generic_decline',
      statusCode: 402
    })
    expect(JSON.stringify(await get(id))).toBe(before)
    expect(typesOf(twin.world)).toEqual([])
  })

  test('that is declined with pending_if_incomplete waits, and applies when it is paid', async () => {
    const id = await subscribe(twin, { card: 'declined_later' })
    twin.world.setNow(HALF_OF_MARCH)
    const waiting = await upgrade(id, 'price_growth_monthly', { payment_behavior: 'pending_if_incomplete' })
    expect([priceOf(waiting), waiting.status, waiting.pending_update?.subscription_items?.[0]?.price.id]).toEqual([
      'price_starter_monthly',
      'active',
      'price_growth_monthly'
    ])
    twin.dialect.control.setCard(id, 'good')
    const after = await get(id)
    expect([priceOf(after), after.pending_update]).toEqual(['price_growth_monthly', null])
    expect(typesOf(twin.world)).toContain('customer.subscription.pending_update_applied')
  })

  test('that waits for 23 hours in vain is dropped, and its invoice void', async () => {
    const id = await subscribe(twin, { card: 'declined_later' })
    twin.world.setNow(HALF_OF_MARCH)
    await upgrade(id, 'price_growth_monthly', { payment_behavior: 'pending_if_incomplete' })
    twin.world.take()
    passTo(twin, HALF_OF_MARCH + 23 * 3_600_000)
    expect(typesOf(twin.world)).toEqual(
      expect.arrayContaining(['customer.subscription.pending_update_expired', 'invoice.voided'])
    )
    expect((await get(id)).pending_update).toBeNull()
  })

  test('to a yearly price begins a year now, less what is left of the month', async () => {
    const id = await subscribe(twin)
    twin.world.setNow(HALF_OF_MARCH)
    const after = await upgrade(id, 'price_starter_yearly')
    expect(after.items.data[0]).toMatchObject({
      current_period_start: HALF_OF_MARCH / 1000,
      current_period_end: Date.UTC(2027, 2, 16, 12) / 1000
    })
    expect((await twin.stripe.invoices.list({ subscription: id })).data[0]?.amount_paid).toBe(19_380 - 950)
  })
})

describe('a downgrade by schedule', () => {
  async function schedule(id: string): Promise<string> {
    const made = await twin.stripe.subscriptionSchedules.create({ from_subscription: id })
    const [phase] = made.phases
    await twin.stripe.subscriptionSchedules.update(made.id, {
      end_behavior: 'release',
      phases: [
        {
          items: [{ price: 'price_growth_monthly', quantity: 1 }],
          start_date: phase?.start_date ?? 0,
          end_date: phase?.end_date ?? 0
        },
        { items: [{ price: 'price_starter_monthly', quantity: 1 }], duration: { interval: 'month', interval_count: 1 } }
      ]
    })
    return made.id
  }

  test('takes effect with the next period, costs its price, and lets go a month later', async () => {
    const id = await subscribe(twin, { price: 'price_growth_monthly' })
    const scheduleId = await schedule(id)
    expect((await get(id)).schedule).toBe(scheduleId)
    passTo(twin, Date.UTC(2026, 3, 1) - 1000)
    expect(priceOf(await get(id))).toBe('price_growth_monthly')
    passTo(twin, Date.UTC(2026, 3, 1, 1))
    expect(priceOf(await get(id))).toBe('price_starter_monthly')
    expect((await twin.stripe.invoices.list({ subscription: id })).data[0]).toMatchObject({
      amount_paid: 1900,
      billing_reason: 'subscription_cycle'
    })
    passTo(twin, Date.UTC(2026, 4, 1))
    expect((await get(id)).schedule).toBeNull()
    expect((await twin.stripe.subscriptionSchedules.retrieve(scheduleId)).status).toBe('released')
    expect(priceOf(await get(id))).toBe('price_starter_monthly')
  })

  test('that is released before its time never comes', async () => {
    const id = await subscribe(twin, { price: 'price_growth_monthly' })
    await twin.stripe.subscriptionSchedules.release(await schedule(id))
    passTo(twin, Date.UTC(2026, 4, 2))
    expect(priceOf(await get(id))).toBe('price_growth_monthly')
  })

  test('does not let the end be planned beside it, nor a pause', async () => {
    const id = await subscribe(twin, { price: 'price_growth_monthly' })
    await schedule(id)
    await expect(twin.stripe.subscriptions.update(id, { cancel_at_period_end: true })).rejects.toThrow(
      'managed by the subscription schedule'
    )
    await expect(twin.stripe.subscriptions.pause(id)).rejects.toMatchObject({ statusCode: 400 })
  })
})

describe('an end', () => {
  test('at the end of the period comes then, and can be taken back before', async () => {
    const [ending, staying] = [await subscribe(twin), await subscribe(twin)]
    for (const id of [ending, staying]) await twin.stripe.subscriptions.update(id, { cancel_at_period_end: true })
    expect((await get(ending)).cancel_at).toBe(Date.UTC(2026, 3, 1) / 1000)
    await twin.stripe.subscriptions.update(staying, { cancel_at_period_end: false })
    passTo(twin, Date.UTC(2026, 3, 1))
    expect([(await get(ending)).status, (await get(staying)).status]).toEqual(['canceled', 'active'])
  })

  test('now is final', async () => {
    const id = await subscribe(twin)
    expect((await twin.stripe.subscriptions.cancel(id)).status).toBe('canceled')
    await expect(twin.stripe.subscriptions.cancel(id)).rejects.toMatchObject({ code: 'resource_missing' })
    await expect(twin.stripe.subscriptions.update(id, { cancel_at_period_end: false })).rejects.toThrow('canceled subscription')
    await expect(twin.stripe.subscriptions.resume(id)).rejects.toMatchObject({ statusCode: 400 })
    expect(twin.dialect.nextDue()).toBeNull()
  })

  test('comes to all subscriptions of a customer that is deleted', async () => {
    const id = await subscribe(twin)
    const customer = idOf((await get(id)).customer)
    twin.world.take()
    twin.dialect.control.deleteCustomer(customer)
    expect(typesOf(twin.world)).toEqual(['customer.subscription.deleted', 'customer.deleted'])
    expect(await twin.stripe.customers.retrieve(customer)).toMatchObject({ id: customer, deleted: true })
  })
})

test('a paused subscription neither renews nor bills, and resumes with a new period, less the credit', async () => {
  const id = await subscribe(twin)
  twin.world.setNow(HALF_OF_MARCH)
  expect(await twin.stripe.subscriptions.pause(id)).toMatchObject({
    status: 'paused',
    status_details: { paused: { type: 'subscription' } }
  })
  expect(typesOf(twin.world)).toContain('customer.subscription.paused')
  passTo(twin, Date.UTC(2026, 6, 10))
  expect((await twin.stripe.invoices.list({ subscription: id })).data).toHaveLength(1)
  const resumed = await twin.stripe.subscriptions.resume(id)
  expect(resumed.items.data[0]).toMatchObject({
    current_period_start: Date.UTC(2026, 6, 10) / 1000,
    current_period_end: Date.UTC(2026, 7, 10) / 1000
  })
  expect(resumed.status).toBe('active')
  expect((await twin.stripe.invoices.list({ subscription: id })).data[0]?.amount_paid).toBe(1900 - 950)
})

test('a change from the dashboard applies at once and is billed with the next renewal', async () => {
  const id = await subscribe(twin)
  twin.world.setNow(HALF_OF_MARCH)
  twin.dialect.control.changePrice(id, 'price_growth_monthly')
  expect(priceOf(await get(id))).toBe('price_growth_monthly')
  passTo(twin, Date.UTC(2026, 3, 1, 1))
  expect((await twin.stripe.invoices.list({ subscription: id })).data[0]?.amount_paid).toBe(7900 + 3000)
})

describe('money that goes back', () => {
  test('in part and then in full is told of each time, and never exceeds what was paid', async () => {
    const id = await subscribe(twin)
    twin.world.take()
    twin.dialect.control.refund(id, 500)
    expect(typesOf(twin.world)).toEqual(expect.arrayContaining(['charge.refunded', 'refund.created']))
    twin.dialect.control.refund(id)
    expect(() => twin.dialect.control.refund(id)).toThrow('already been refunded')
    const refunds = (await twin.stripe.refunds.list()).data
    expect(refunds.map(({ amount }) => amount)).toEqual([1400, 500])
    expect(await twin.stripe.charges.retrieve(idOf(refunds[0]?.charge))).toMatchObject({ amount_refunded: 1900, refunded: true })
  })

  test.each([
    ['won', ['charge.dispute.closed', 'charge.dispute.funds_reinstated']],
    ['lost', ['charge.dispute.closed']]
  ] as const)('by a dispute that is %s', async (outcome, told) => {
    const id = await subscribe(twin)
    twin.world.take()
    const dispute = twin.dialect.control.dispute(id)
    expect(typesOf(twin.world)).toEqual(expect.arrayContaining(['charge.dispute.created', 'charge.dispute.funds_withdrawn']))
    await expect(
      twin.stripe.refunds.create({ charge: idOf((await twin.stripe.disputes.retrieve(dispute)).charge) })
    ).rejects.toMatchObject({ code: 'charge_disputed' })
    twin.dialect.control.closeDispute(dispute, outcome)
    expect(typesOf(twin.world)).toEqual(told)
    expect((await twin.stripe.disputes.retrieve(dispute)).status).toBe(outcome)
    expect(() => twin.dialect.control.closeDispute(dispute, 'won')).toThrow('already')
  })
})
