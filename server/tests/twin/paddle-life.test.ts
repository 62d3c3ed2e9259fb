import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { at, openPaddleShop, typesOf } from './support/paddle-shop.ts'
import type { PaddleShop } from './support/paddle-shop.ts'

const DAY_MS = 86_400_000
// A month-end, so that every test that renews meets short months.
const START_MS = Date.UTC(2026, 0, 31, 10)

let shop: PaddleShop
beforeEach(async () => {
  shop = await openPaddleShop(START_MS)
})
afterEach(() => shop.close())

describe('a first purchase', () => {
  test('the checkout becomes a transaction and a subscription that the SDK reads whole', async () => {
    const { subscriptionId } = await shop.buy()
    const subscription = await shop.paddle.subscriptions.get(subscriptionId, { include: ['next_transaction', 'recurring_transaction_details'] })
    expect(subscription).toMatchObject({
      status: 'active',
      currencyCode: 'USD',
      currentBillingPeriod: { startsAt: at('2026-01-31T10:00'), endsAt: at('2026-02-28T10:00') },
      nextBilledAt: at('2026-02-28T10:00'),
      customData: { account_id: 'account-1', checkout_id: 'checkout-1' },
      items: [{ status: 'active', quantity: 1, recurring: true, price: { id: 'pri_starter_monthly' }, product: { id: 'pro_starter' } }],
      nextTransaction: { details: { totals: { grandTotal: '1900' } } },
      managementUrls: { cancel: expect.stringContaining(`${shop.origin}/portal/`) }
    })
    const [transaction] = await shop.paddle.transactions.list({ subscriptionId: [subscriptionId] }).next()
    expect(transaction).toMatchObject({
      status: 'completed',
      subscriptionId,
      customerId: subscription.customerId,
      details: { totals: { grandTotal: '1900', balance: '0' }, lineItems: [{ priceId: 'pri_starter_monthly' }] },
      payments: [{ status: 'captured', amount: '1900', methodDetails: { card: { last4: '4242' } } }]
    })
    expect(subscription.id).toMatch(/^sub_01[a-z0-9]{24}$/)
  })

  test('all of it is told as one change, each time later than the one before', async () => {
    await shop.paddle.transactions.create({ items: [{ priceId: 'pri_starter_monthly', quantity: 1 }] })
    expect(typesOf(shop.told())).toEqual(['transaction.created'])
    await shop.buy()
    const groups = shop.world.sent.map(({ group }) => group)
    expect(new Set(groups.slice(1)).size).toBe(1)
    const told = shop.told()
    expect(typesOf(told).filter((type) => type !== 'transaction.updated').toSorted()).toEqual(
      [
        'transaction.created',
        'customer.created',
        'address.created',
        'transaction.ready',
        'transaction.paid',
        'subscription.created',
        'subscription.activated',
        'transaction.completed'
      ].toSorted()
    )
    const times = told.map(({ occurred_at }) => occurred_at)
    expect(times).toEqual([...new Set(times)].toSorted())
  })

  test('the completed transaction comes before the subscription in some lives, naming none, and after it in others', async () => {
    const named = new Set<boolean>()
    for (let life = 0; life < 12; life += 1) {
      await shop.buy()
      const told = shop.told()
      const types = typesOf(told)
      const completed = told[types.indexOf('transaction.completed')]
      const first = types.indexOf('transaction.completed') < types.indexOf('subscription.created')
      expect(completed?.data['subscription_id'] === null).toBe(first)
      named.add(first)
    }
    expect(named.size).toBe(2)
  })

  test('a declined card leaves the checkout open, and another card pays it', async () => {
    const { id } = await shop.paddle.transactions.create({ items: [{ priceId: 'pri_starter_monthly', quantity: 1 }] })
    expect(shop.dialect.control.pay(id, 'declined')).toBe(false)
    expect(shop.dialect.subscriptions()).toEqual([])
    expect(await shop.paddle.transactions.get(id)).toMatchObject({ status: 'ready', payments: [{ status: 'error', errorCode: 'declined' }] })
    expect(shop.dialect.control.pay(id, 'good')).toBe(true)
    expect(() => shop.dialect.control.pay(id, 'good')).toThrow('The transaction is completed.')
  })

  test('a canceled checkout cannot be paid; one that is not begun, or is paid, cannot be canceled', async () => {
    const items = [{ priceId: 'pri_starter_monthly', quantity: 1 }]
    const canceled = await shop.paddle.transactions.create({ items })
    await expect(shop.paddle.transactions.update(canceled.id, { status: 'canceled' })).rejects.toMatchObject({
      code: 'transaction_invalid_status_change'
    })
    shop.dialect.control.pay(canceled.id, 'declined')
    expect(await shop.paddle.transactions.update(canceled.id, { status: 'canceled' })).toMatchObject({ status: 'canceled' })
    expect(() => shop.dialect.control.pay(canceled.id, 'good')).toThrow('The transaction is canceled.')
    const paid = await shop.paddle.transactions.create({ items })
    shop.dialect.control.pay(paid.id, 'good')
    await expect(shop.paddle.transactions.update(paid.id, { status: 'canceled' })).rejects.toMatchObject({ code: 'transaction_immutable' })
  })

  test('one account that buys again is the same customer', async () => {
    const first = await shop.buy()
    const second = await shop.buy()
    expect(second.customerId).toBe(first.customerId)
    const other = await shop.buy('pri_starter_monthly', 'good', 'ACCOUNT-1')
    expect(other.customerId).not.toBe(first.customerId)
  })
})

describe('renewals', () => {
  test('the period advances first, then the bill is made and paid', async () => {
    const { subscriptionId } = await shop.buy()
    shop.told()
    expect(shop.dialect.nextDue()).toBe(Date.UTC(2026, 1, 28, 10))
    shop.step(Date.UTC(2026, 1, 28, 10))
    const told = shop.told()
    expect(typesOf(told)).toEqual([
      'subscription.updated',
      'transaction.created',
      'transaction.billed',
      'transaction.updated',
      'transaction.paid',
      'transaction.updated',
      'transaction.completed'
    ])
    expect(told[0]?.data['current_billing_period']).toEqual({ starts_at: at('2026-02-28T10:00'), ends_at: at('2026-03-31T10:00') })
    expect(told.at(-1)?.data).toMatchObject({
      origin: 'subscription_recurring',
      subscription_id: subscriptionId,
      billing_period: { starts_at: at('2026-02-28T10:00') }
    })
  })

  test('two years of months start on the 31st, or on the last day where there is none', async () => {
    await shop.buy()
    shop.told()
    shop.step(Date.UTC(2028, 0, 31, 10))
    const days = shop
      .told()
      .filter(({ event_type }) => event_type === 'transaction.completed')
      .map(({ data }) => (data['billing_period'] as { starts_at: string }).starts_at.slice(0, 10))
    const year = ['-02-28', '-03-31', '-04-30', '-05-31', '-06-30', '-07-31', '-08-31', '-09-30', '-10-31', '-11-30', '-12-31']
    expect(days).toEqual([...year.map((day) => `2026${day}`), '2027-01-31', ...year.map((day) => `2027${day}`), '2028-01-31'])
  })

  test('a yearly subscription renews once a year, also from 29 February', async () => {
    shop.world.setNow(Date.UTC(2028, 1, 29, 12))
    await shop.buy('pri_starter_yearly')
    expect(shop.truth().periodEnd).toBe(at('2029-02-28T12:00'))
    shop.step(Date.UTC(2032, 1, 29, 12))
    expect(shop.truth().periodStart).toBe(at('2032-02-29T12:00'))
  })

  test('a trial is billed when it ends', async () => {
    const bought = await shop.buy('pri_growth_monthly_trial')
    expect(bought).toMatchObject({ status: 'trialing', periodStart: at('2026-01-31T10:00'), periodEnd: at('2026-02-14T10:00') })
    expect(typesOf(shop.told())).toContain('subscription.trialing')
    shop.step(START_MS + 14 * DAY_MS)
    expect(shop.truth()).toMatchObject({ status: 'active', periodStart: at('2026-02-14T10:00'), periodEnd: at('2026-03-14T10:00') })
    const told = shop.told()
    expect(typesOf(told).slice(0, 3)).toEqual(['subscription.updated', 'subscription.activated', 'transaction.created'])
    expect(told.at(-1)).toMatchObject({ event_type: 'transaction.completed', data: { details: { totals: { grand_total: '7900' } } } })
  })
})

describe('payments that fail', () => {
  test('the first failed renewal makes both past due; the period has advanced', async () => {
    await shop.buy('pri_starter_monthly', 'declined_later')
    shop.told()
    shop.step(Date.UTC(2026, 1, 28, 10))
    expect(typesOf(shop.told())).toEqual([
      'subscription.updated',
      'transaction.created',
      'transaction.billed',
      'transaction.updated',
      'transaction.payment_failed',
      'transaction.past_due',
      'subscription.updated',
      'subscription.past_due'
    ])
    expect(shop.truth()).toMatchObject({ status: 'past_due', periodStart: at('2026-02-28T10:00') })
  })

  test('seven more tries in 30 days, then the subscription is canceled and nothing is owed', async () => {
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'declined_later')
    shop.step(Date.UTC(2026, 1, 28, 10))
    shop.told()
    shop.step(Date.UTC(2026, 1, 28, 10) + 30 * DAY_MS - 1)
    expect(typesOf(shop.told()).filter((type) => type === 'transaction.payment_failed')).toHaveLength(7)
    expect(shop.truth().status).toBe('past_due')
    shop.step(Date.UTC(2026, 1, 28, 10) + 30 * DAY_MS)
    expect(typesOf(shop.told())).toEqual(['subscription.updated', 'subscription.canceled', 'transaction.updated', 'transaction.canceled'])
    expect(await shop.paddle.subscriptions.get(subscriptionId)).toMatchObject({ status: 'canceled', currentBillingPeriod: null, nextBilledAt: null })
    expect(shop.dialect.nextDue()).toBeNull()
  })

  test('a good card pays what is past due at once', async () => {
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'declined_later')
    shop.step(Date.UTC(2026, 2, 2, 10))
    shop.told()
    shop.dialect.control.setCard(subscriptionId, 'good')
    const types = typesOf(shop.told())
    expect(types).toContain('transaction.completed')
    expect(types.slice(-2)).toEqual(['subscription.updated', 'subscription.activated'])
    expect(shop.truth()).toMatchObject({ status: 'active', periodEnd: at('2026-03-31T10:00') })
    expect(shop.dialect.nextDue()).toBe(Date.UTC(2026, 2, 31, 10))
  })

  test('a debt paid after the end of its period is followed at once by the renewal that had to wait', async () => {
    shop.world.setNow(Date.UTC(2027, 0, 31, 10))
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'good')
    shop.dialect.control.setCard(subscriptionId, 'declined_later')
    shop.step(Date.UTC(2027, 1, 28, 10))
    shop.dialect.control.setCard(subscriptionId, 'good')
    shop.step(Date.UTC(2028, 0, 31, 10))
    shop.dialect.control.setCard(subscriptionId, 'declined_later')
    shop.step(Date.UTC(2028, 1, 29, 10) + 29 * DAY_MS)
    expect(shop.truth().status).toBe('past_due')
    shop.dialect.control.setCard(subscriptionId, 'good')
    expect(shop.truth()).toMatchObject({ status: 'active', periodStart: at('2028-02-29T10:00') })
  })
})

describe('time', () => {
  const live = async (move: (one: PaddleShop, ms: number) => void): Promise<unknown> => {
    const one = await openPaddleShop(START_MS)
    try {
      await one.buy()
      await one.buy('pri_growth_monthly_trial', 'declined_later', 'account-2')
      const third = await one.buy('pri_growth_yearly', 'good', 'account-3')
      await one.paddle.subscriptions.pause(third.subscriptionId, { effectiveFrom: 'immediately', resumeAt: '2026-03-05T00:00:00Z' })
      one.dialect.control.refund(third.subscriptionId, 500)
      move(one, START_MS + 400 * DAY_MS)
      const bodies = one.told().map(({ event_type, occurred_at, data }) => ({ event_type, occurred_at, data }))
      return JSON.parse(JSON.stringify([one.dialect.save(), bodies]).replaceAll(one.origin, 'http://twin'))
    } finally {
      await one.close()
    }
  }

  test('a jump over a year does and tells the same as stepping through it', async () => {
    const jumped = await live((one, ms) => one.jump(ms))
    expect(jumped).toEqual(await live((one, ms) => one.step(ms)))
    expect(JSON.stringify(jumped).includes('subscription.canceled')).toBe(true)
  })

  test('a twin that was saved and loaded lives on as if nothing had happened', async () => {
    const through = await live((one, ms) => {
      for (const savedAtMs of [START_MS, START_MS + 60 * DAY_MS]) {
        one.step(savedAtMs)
        const saved: unknown = JSON.parse(JSON.stringify(one.dialect.save()))
        one.dialect.load(saved)
        expect(one.dialect.save()).toEqual(saved)
      }
      one.step(ms)
    })
    expect(through).toEqual(await live((one, ms) => one.step(ms)))
  })

  test('what is no state of the twin is refused', () => {
    expect(() => shop.dialect.load({ subscriptions: [] })).toThrow()
  })

  test('a request sees what was due before it, also when nobody had let it happen', async () => {
    const { subscriptionId } = await shop.buy()
    shop.world.setNow(Date.UTC(2026, 2, 1))
    const { currentBillingPeriod } = await shop.paddle.subscriptions.get(subscriptionId)
    expect(currentBillingPeriod?.startsAt).toBe(at('2026-02-28T10:00'))
  })
})
