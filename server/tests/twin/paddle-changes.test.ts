import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { at, openPaddleShop, typesOf } from './support/paddle-shop.ts'
import type { PaddleShop } from './support/paddle-shop.ts'

const DAY_MS = 86_400_000
// 1 April: the period has 30 days.
const START_MS = Date.UTC(2026, 3, 1)
const MID_MS = START_MS + 15 * DAY_MS

let shop: PaddleShop
beforeEach(async () => {
  shop = await openPaddleShop(START_MS)
})
afterEach(() => shop.close())

const refusedWith = (code: string) => ({ type: 'request_error', code })
const growth = [{ priceId: 'pri_growth_monthly', quantity: 1 }]
const starter = [{ priceId: 'pri_starter_monthly', quantity: 1 }]

describe('changing the plan', () => {
  test('an upgrade halfway is previewed and billed at half the difference, and keeps the period', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(MID_MS)
    shop.told()
    const saved = shop.dialect.save()
    const preview = await shop.paddle.subscriptions.previewUpdate(subscriptionId, { items: growth, prorationBillingMode: 'prorated_immediately' })
    expect(preview.updateSummary).toMatchObject({
      credit: { amount: '950' },
      charge: { amount: '3950' },
      result: { action: 'charge', amount: '3000', currencyCode: 'USD' }
    })
    expect(preview.immediateTransaction?.details.totals).toMatchObject({ total: '3950', credit: '950', grandTotal: '3000' })
    expect(preview.recurringTransactionDetails?.totals.grandTotal).toBe('7900')
    expect(shop.told()).toEqual([])
    expect(shop.dialect.save()).toMatchObject({ subscriptions: (saved as { subscriptions: object }).subscriptions })
    const updated = await shop.paddle.subscriptions.update(subscriptionId, { items: growth, prorationBillingMode: 'prorated_immediately' })
    expect(updated).toMatchObject({
      items: [{ price: { id: 'pri_growth_monthly' } }],
      currentBillingPeriod: { startsAt: at('2026-04-01T00:00'), endsAt: at('2026-05-01T00:00') }
    })
    const told = shop.told()
    expect(typesOf(told)).toEqual([
      'subscription.updated',
      'adjustment.created',
      'transaction.created',
      'transaction.billed',
      'transaction.updated',
      'transaction.paid',
      'transaction.updated',
      'transaction.completed'
    ])
    expect(told[1]?.data).toMatchObject({ action: 'credit', status: 'approved', totals: { total: '950' } })
    expect(told.at(-1)?.data).toMatchObject({ origin: 'subscription_update', details: { totals: { grand_total: '3000', credit: '950' } } })
  })

  test('a downgrade at once bills nothing and leaves credit, which the next renewals use up', async () => {
    const { subscriptionId } = await shop.buy('pri_growth_monthly')
    shop.step(MID_MS)
    await shop.paddle.subscriptions.update(subscriptionId, { items: starter, prorationBillingMode: 'prorated_immediately' })
    shop.told()
    shop.step(Date.UTC(2026, 6, 1))
    const paid = shop.told().filter(({ event_type }) => event_type === 'transaction.completed')
    expect(paid.map(({ data }) => (data['details'] as { totals: { grand_total: string } }).totals.grand_total)).toEqual(['0', '800', '1900'])
  })

  test('a declined card refuses the change and leaves everything as it was', async () => {
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'declined_later')
    shop.step(MID_MS)
    shop.told()
    const change = { items: growth, prorationBillingMode: 'prorated_immediately', onPaymentFailure: 'prevent_change' } as const
    await expect(shop.paddle.subscriptions.update(subscriptionId, change)).rejects.toMatchObject(refusedWith('subscription_payment_declined'))
    expect(shop.truth().priceId).toBe('pri_starter_monthly')
    expect(shop.told()).toEqual([])
  })

  test('with apply_change a declined card makes the change and the debt', async () => {
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'declined_later')
    shop.step(MID_MS)
    const change = { items: growth, prorationBillingMode: 'prorated_immediately', onPaymentFailure: 'apply_change' } as const
    expect(await shop.paddle.subscriptions.update(subscriptionId, change)).toMatchObject({ status: 'past_due' })
    expect(shop.truth()).toMatchObject({ priceId: 'pri_growth_monthly', status: 'past_due' })
    await expect(shop.paddle.subscriptions.update(subscriptionId, change)).rejects.toMatchObject(refusedWith('subscription_update_when_past_due'))
  })

  test('do_not_bill before the renewal bills nothing now and the new price then, also with another cycle', async () => {
    for (const [priceId, endsAt, grandTotal] of [
      ['pri_growth_monthly', at('2026-06-01T00:00'), '7900'],
      ['pri_growth_yearly', at('2027-05-01T00:00'), '80580']
    ] as const) {
      const one = await openPaddleShop(START_MS)
      const { subscriptionId } = await one.buy()
      one.step(Date.UTC(2026, 3, 30, 23))
      one.told()
      const items = [{ priceId, quantity: 1 }]
      const updated = await one.paddle.subscriptions.update(subscriptionId, { items, prorationBillingMode: 'do_not_bill' })
      expect(updated.currentBillingPeriod?.endsAt).toBe(at('2026-05-01T00:00'))
      expect(typesOf(one.told())).toEqual(['subscription.updated'])
      one.step(Date.UTC(2026, 4, 1))
      expect(one.truth()).toMatchObject({ priceId, periodStart: at('2026-05-01T00:00'), periodEnd: endsAt })
      expect(one.told().at(-1)?.data).toMatchObject({ origin: 'subscription_recurring', details: { totals: { grand_total: grandTotal } } })
      await one.close()
    }
  })

  test('a price that becomes dearer is not so for who has it already', async () => {
    await shop.buy()
    await shop.paddle.prices.update('pri_starter_monthly', { unitPrice: { amount: '2900', currencyCode: 'USD' } })
    await shop.buy('pri_starter_monthly', 'good', 'account-2')
    shop.told()
    shop.step(Date.UTC(2026, 4, 1))
    const paid = shop.told().filter(({ event_type }) => event_type === 'transaction.completed')
    expect(paid).toMatchObject([{ data: { details: { totals: { total: '1900' } } } }, { data: { details: { totals: { total: '2900' } } } }])
  })

  test('to a yearly price at once: a new period from today, in full less the rest of the old', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(MID_MS)
    const items = [{ priceId: 'pri_growth_yearly', quantity: 1 }]
    await shop.paddle.subscriptions.update(subscriptionId, { items, prorationBillingMode: 'prorated_immediately' })
    expect(shop.truth()).toMatchObject({ periodStart: at('2026-04-16T00:00'), periodEnd: at('2027-04-16T00:00') })
    expect(shop.told().at(-1)?.data).toMatchObject({ details: { totals: { grand_total: String(80_580 - 950) } } })
  })

  test('prorated_next_billing_period puts the charge on the next renewal', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(MID_MS)
    await shop.paddle.subscriptions.update(subscriptionId, { items: growth, prorationBillingMode: 'prorated_next_billing_period' })
    expect(typesOf(shop.told())).not.toContain('transaction.billed')
    shop.step(Date.UTC(2026, 4, 1))
    expect(shop.told().at(-1)?.data).toMatchObject({ details: { totals: { total: '11850', credit: '950', grand_total: '10900' } } })
  })

  test('with a cancellation planned only changes that bill now or never are taken, and a new period moves it', async () => {
    const { subscriptionId } = await shop.buy()
    await shop.paddle.subscriptions.cancel(subscriptionId, {})
    await expect(
      shop.paddle.subscriptions.update(subscriptionId, { items: growth, prorationBillingMode: 'full_next_billing_period' })
    ).rejects.toMatchObject(refusedWith('subscription_invalid_billing_mode_for_scheduled_change'))
    const items = [{ priceId: 'pri_growth_yearly', quantity: 1 }]
    await shop.paddle.subscriptions.update(subscriptionId, { items, prorationBillingMode: 'prorated_immediately' })
    expect(shop.truth().cancelsAt).toBe(at('2027-04-01T00:00'))
  })

  test('within 30 minutes of a renewal nothing can be changed, before that it can', async () => {
    const { subscriptionId } = await shop.buy()
    const change = { items: growth, prorationBillingMode: 'do_not_bill' } as const
    shop.step(Date.UTC(2026, 3, 30, 23, 30))
    await expect(shop.paddle.subscriptions.update(subscriptionId, change)).rejects.toMatchObject(refusedWith('subscription_locked_renewal'))
    shop.step(Date.UTC(2026, 4, 31, 23, 29))
    expect(await shop.paddle.subscriptions.update(subscriptionId, change)).toMatchObject({ items: [{ price: { id: 'pri_growth_monthly' } }] })
  })

  test('a trial is changed with do_not_bill only, and activated at once', async () => {
    const { subscriptionId } = await shop.buy('pri_growth_monthly_trial')
    await expect(
      shop.paddle.subscriptions.update(subscriptionId, { items: starter, prorationBillingMode: 'prorated_immediately' })
    ).rejects.toMatchObject(refusedWith('subscription_trialing_items_update_invalid_options'))
    await shop.paddle.subscriptions.update(subscriptionId, { items: starter, prorationBillingMode: 'do_not_bill' })
    expect(shop.truth()).toMatchObject({ status: 'trialing', priceId: 'pri_starter_monthly' })
    shop.step(START_MS + DAY_MS)
    expect(await shop.paddle.subscriptions.activate(subscriptionId)).toMatchObject({
      status: 'active',
      currentBillingPeriod: { startsAt: at('2026-04-02T00:00'), endsAt: at('2026-05-02T00:00') }
    })
  })
})

describe('ending and stopping', () => {
  test('a planned cancellation can be undone, and else ends the subscription with its period', async () => {
    const { subscriptionId } = await shop.buy()
    const planned = await shop.paddle.subscriptions.cancel(subscriptionId, { effectiveFrom: 'next_billing_period' })
    expect(planned).toMatchObject({ status: 'active', scheduledChange: { action: 'cancel', effectiveAt: at('2026-05-01T00:00') } })
    expect(shop.truth().cancelsAt).toBe(at('2026-05-01T00:00'))
    expect(await shop.paddle.subscriptions.update(subscriptionId, { scheduledChange: null })).toMatchObject({ scheduledChange: null })
    shop.step(Date.UTC(2026, 4, 1))
    expect(shop.truth()).toMatchObject({ status: 'active', cancelsAt: null, periodEnd: at('2026-06-01T00:00') })
    await shop.paddle.subscriptions.cancel(subscriptionId, {})
    shop.told()
    shop.step(Date.UTC(2026, 5, 1))
    expect(typesOf(shop.told())).toEqual(['subscription.updated', 'subscription.canceled'])
    expect(shop.truth()).toMatchObject({ status: 'canceled', periodStart: null, periodEnd: null })
    await expect(shop.paddle.subscriptions.update(subscriptionId, { customData: {} })).rejects.toMatchObject(
      refusedWith('subscription_update_when_canceled')
    )
  })

  test('a pause now ends the period; resuming starts and bills a new one from that day', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(MID_MS)
    expect(await shop.paddle.subscriptions.pause(subscriptionId, { effectiveFrom: 'immediately' })).toMatchObject({
      status: 'paused',
      currentBillingPeriod: null,
      nextBilledAt: null,
      pausedAt: expect.stringContaining('2026-04-16')
    })
    expect(shop.dialect.nextDue()).toBeNull()
    shop.step(Date.UTC(2026, 7, 31))
    shop.told()
    await shop.paddle.subscriptions.resume(subscriptionId, { effectiveFrom: 'immediately' })
    expect(shop.truth()).toMatchObject({ status: 'active', periodStart: at('2026-08-31T00:00'), periodEnd: at('2026-09-30T00:00') })
    const types = typesOf(shop.told())
    expect(types.slice(0, 3)).toEqual(['subscription.updated', 'subscription.resumed', 'transaction.created'])
    expect(types.slice(-2)).toEqual(['subscription.updated', 'subscription.activated'])
  })

  test('resuming can go on with the period that was paused, without a bill, while it lasts', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(MID_MS)
    await shop.paddle.subscriptions.pause(subscriptionId, { effectiveFrom: 'immediately' })
    shop.told()
    await shop.paddle.subscriptions.resume(subscriptionId, { effectiveFrom: 'immediately', onResume: 'continue_existing_billing_period' })
    expect(typesOf(shop.told())).toEqual(['subscription.updated', 'subscription.resumed'])
    expect(shop.truth()).toMatchObject({ status: 'active', periodEnd: at('2026-05-01T00:00') })
  })

  test('a planned pause with a day of return does both by itself', async () => {
    const { subscriptionId } = await shop.buy()
    await shop.paddle.subscriptions.pause(subscriptionId, { resumeAt: '2026-05-20T00:00:00Z' })
    shop.step(Date.UTC(2026, 4, 2))
    expect(shop.truth().status).toBe('paused')
    shop.step(Date.UTC(2026, 4, 20))
    expect(shop.truth()).toMatchObject({ status: 'active', periodStart: at('2026-05-20T00:00') })
  })

  test('pausing what is past due forgives the debt', async () => {
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'declined_later')
    shop.step(Date.UTC(2026, 4, 1))
    shop.told()
    shop.dialect.control.pause(subscriptionId)
    expect(typesOf(shop.told())).toEqual(['subscription.updated', 'subscription.paused', 'transaction.updated', 'transaction.canceled'])
  })

  test('an action that does not fit the state is refused with the code Paddle has for it', async () => {
    const { subscriptionId } = await shop.buy()
    const { subscriptions } = shop.paddle
    await expect(subscriptions.resume(subscriptionId, { effectiveFrom: 'immediately' })).rejects.toMatchObject(refusedWith('subscription_must_be_paused'))
    await expect(subscriptions.activate(subscriptionId)).rejects.toMatchObject(refusedWith('subscription_cannot_activate'))
    await subscriptions.cancel(subscriptionId, { effectiveFrom: 'next_billing_period' })
    await expect(subscriptions.pause(subscriptionId, {})).rejects.toMatchObject(refusedWith('subscription_locked_pending_changes'))
    await subscriptions.cancel(subscriptionId, { effectiveFrom: 'immediately' })
    await expect(subscriptions.cancel(subscriptionId, {})).rejects.toMatchObject(refusedWith('subscription_update_when_canceled'))
  })
})

describe('what others do', () => {
  test('a refund waits for approval, which comes by itself minutes later', async () => {
    const { subscriptionId } = await shop.buy()
    shop.told()
    const id = shop.dialect.control.refund(subscriptionId, 500)
    const [created] = shop.told()
    expect(created).toMatchObject({ event_type: 'adjustment.created', data: { id, action: 'refund', type: 'partial', status: 'pending_approval' } })
    shop.step(START_MS + 120_000)
    const [updated] = shop.told()
    expect(updated).toMatchObject({ event_type: 'adjustment.updated', data: { id, status: 'approved', totals: { total: '500' } } })
    expect(() => shop.dialect.control.refund(subscriptionId, 1401)).toThrow('at most 1400 can be refunded')
    const [transaction] = await shop.paddle.transactions.list({ subscriptionId: [subscriptionId] }).next()
    const transactionId = transaction?.id ?? ''
    const rest = await shop.paddle.adjustments.create({ action: 'refund', type: 'full', transactionId, reason: 'error' })
    expect(rest).toMatchObject({ status: 'pending_approval', totals: { total: '1400' }, subscriptionId })
    await expect(
      shop.paddle.adjustments.create({ action: 'refund', type: 'full', transactionId, reason: 'error' })
    ).rejects.toMatchObject(refusedWith('adjustment_pending_refund_request'))
    expect(await shop.paddle.adjustments.list({ status: ['pending_approval'] }).next()).toHaveLength(1)
  })

  test('a chargeback is approved at once; a won one is reversed, a lost one stays', async () => {
    const { subscriptionId } = await shop.buy()
    shop.told()
    const won = shop.dialect.control.dispute(subscriptionId)
    shop.dialect.control.closeDispute(won, 'won')
    expect(shop.told()).toMatchObject([
      { event_type: 'adjustment.created', data: { id: won, action: 'chargeback', status: 'approved' } },
      { event_type: 'adjustment.created', data: { action: 'chargeback_reverse', status: 'approved' } },
      { event_type: 'adjustment.updated', data: { id: won, status: 'reversed' } }
    ])
    const lost = shop.dialect.control.dispute(subscriptionId)
    shop.dialect.control.closeDispute(lost, 'lost')
    expect(typesOf(shop.told())).toEqual(['adjustment.created'])
    expect(() => shop.dialect.control.closeDispute(lost, 'won')).toThrow(`Chargeback ${lost} is closed.`)
  })

  test('a deleted customer is archived, and the subscriptions end at once', async () => {
    const { customerId } = await shop.buy()
    shop.told()
    shop.dialect.control.deleteCustomer(customerId)
    const told = shop.told()
    expect(typesOf(told)).toEqual(['subscription.updated', 'subscription.canceled', 'customer.updated'])
    expect(told.at(-1)?.data).toMatchObject({ id: customerId, status: 'archived' })
    expect((await shop.buy()).customerId).not.toBe(customerId)
  })

  test('a price changed at the dashboard takes effect without the locks of the API', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(Date.UTC(2026, 3, 30, 23, 50))
    shop.dialect.control.changePrice(subscriptionId, 'pri_growth_monthly')
    expect(shop.truth().priceId).toBe('pri_growth_monthly')
  })

  test('a new card is told of by a transaction of nothing', async () => {
    const { subscriptionId } = await shop.buy()
    shop.told()
    shop.dialect.control.setCard(subscriptionId, 'declined_later')
    expect(shop.told().at(-1)).toMatchObject({
      event_type: 'transaction.completed',
      data: { origin: 'subscription_payment_method_change', details: { totals: { grand_total: '0' } } }
    })
    shop.step(Date.UTC(2026, 4, 1))
    expect(shop.truth().status).toBe('past_due')
  })

  test('an id that is not there is refused with a sentence', () => {
    const { control } = shop.dialect
    expect(() => control.pay('txn_none', 'good')).toThrow('Transaction txn_none not found')
    expect(() => control.cancel('constructor', 'now')).toThrow('Subscription constructor not found')
    expect(() => control.closeDispute('adj_none', 'won')).toThrow('There is no chargeback adj_none.')
    expect(() => control.deleteCustomer('ctm_none')).toThrow('Customer ctm_none not found')
  })
})
