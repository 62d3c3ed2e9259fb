import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import Razorpay from 'razorpay'
import { createRazorpayDialect } from '../../../scripts/twin/razorpay/razorpay.ts'
import type { Card } from '../../../scripts/twin/dialect.ts'
import { createFakeWorld } from './support/fake-world.ts'
import { KEY_SECRET, openShop, PRICES, type RazorpayShop, refusalOf } from './support/razorpay-shop.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 31, 10)

let shop: RazorpayShop
beforeEach(async () => {
  shop = await openShop(START_MS)
})
afterEach(() => shop.close())

const subscribe = async (
  target: RazorpayShop,
  fields: { plan_id?: string; total_count?: number; start_at?: number } = {}
): Promise<string> =>
  (await target.razorpay.subscriptions.create({ plan_id: 'plan_starter_monthly', total_count: 120, ...fields })).id

describe('time', () => {
  // Several lives side by side, so that what is due mixes.
  const populate = async (target: RazorpayShop): Promise<void> => {
    const now = START_MS / 1000
    const lives: [Card, Parameters<typeof subscribe>[1]][] = [
      ['good', {}],
      ['declined_later', {}],
      ['good', { plan_id: 'plan_growth_monthly', start_at: now + 14 * 86_400 }],
      ['declined_later', { plan_id: 'plan_growth_monthly', start_at: now + 3 * 86_400 + 17 }],
      ['good', { total_count: 4 }],
      ['declined_later', { total_count: 2 }],
      ['good', { plan_id: 'plan_growth_yearly', total_count: 3 }],
      ['good', {}],
      ['good', {}]
    ]
    const ids: string[] = []
    for (const [card, fields] of lives) {
      const id = await subscribe(target, fields)
      target.dialect.control.pay(id, card)
      ids.push(id)
    }
    await subscribe(target, { start_at: now + 3600 })
    target.dialect.control.cancel(ids[7] ?? '', 'period_end')
    await target.razorpay.subscriptions.update(ids[8] ?? '', { plan_id: 'plan_growth_yearly', schedule_change_at: 'cycle_end' })
  }

  test('a jump of a year tells and leaves exactly what stepping on time does', async () => {
    const jumped = await openShop(START_MS)
    try {
      await populate(shop)
      await populate(jumped)
      shop.step(START_MS + 366 * DAY_MS)
      jumped.world.setNow(START_MS + 366 * DAY_MS)
      jumped.dialect.runDue()
      const bodies = (target: RazorpayShop) => target.world.sent.map(({ body }) => body.replaceAll(target.origin, ''))
      expect(shop.world.sent.length).toBeGreaterThan(200)
      expect(bodies(jumped)).toEqual(bodies(shop))
      expect(jumped.dialect.subscriptions()).toEqual(shop.dialect.subscriptions())
      expect(new Set(bodies(shop)).size).toBe(bodies(shop).length)
    } finally {
      await jumped.close()
    }
  })

  test('doing what is due twice does it once', async () => {
    await populate(shop)
    shop.step(START_MS + 100 * DAY_MS)
    const sent = shop.world.sent.length
    shop.dialect.runDue()
    expect(shop.world.sent).toHaveLength(sent)
    expect(shop.dialect.nextDue()).toBeGreaterThan(START_MS + 100 * DAY_MS)
  })

  test('saved and loaded over JSON, it goes on as if nothing had happened', async () => {
    await populate(shop)
    shop.step(START_MS + 29 * DAY_MS)
    const saved: unknown = JSON.parse(JSON.stringify(shop.dialect.save()))
    const world = createFakeWorld(shop.world.nowMs())
    const other = createRazorpayDialect({ world, origin: shop.origin, apiKey: KEY_SECRET })
    other.load(saved)
    other.seed(PRICES)
    expect(other.save()).toEqual(shop.dialect.save())
    expect(other.nextDue()).toBe(shop.dialect.nextDue())
    shop.told()
    shop.step(START_MS + 120 * DAY_MS)
    world.setNow(START_MS + 120 * DAY_MS)
    other.runDue()
    expect(other.subscriptions()).toEqual(shop.dialect.subscriptions())
    expect(world.sent.map(({ eventType }) => eventType)).toEqual(shop.world.sent.map(({ eventType }) => eventType))
    expect(() => other.load({ plans: {} })).toThrow()
  })
})

describe('webhooks', () => {
  test('the SDK takes their signature, a changed body fails, and a retry has the same headers', async () => {
    shop.dialect.control.pay(await subscribe(shop), 'good')
    const [webhook] = shop.world.sent
    if (webhook === undefined) throw new Error('Nothing was sent.')
    const headersAt = (nowMs: number) => shop.dialect.requestHeaders({ ...webhook, secret: 'whsec', nowMs })
    const headers = headersAt(1)
    expect(Razorpay.validateWebhookSignature(webhook.body, headers['x-razorpay-signature'] ?? '', 'whsec')).toBe(true)
    expect(Razorpay.validateWebhookSignature(`${webhook.body} `, headers['x-razorpay-signature'] ?? '', 'whsec')).toBe(false)
    expect(headers['x-razorpay-event-id']).toBe(webhook.eventId)
    expect(headersAt(2)).toEqual(headers)
  })

  test('events of one change share a group and a time, and carry the account', async () => {
    shop.dialect.control.pay(await subscribe(shop), 'good')
    expect(new Set(shop.world.sent.map(({ group }) => group)).size).toBe(1)
    expect(new Set(shop.world.sent.map(({ eventId }) => eventId)).size).toBe(7)
    const told = shop.told()
    expect(new Set(told.map(({ created_at: at }) => at))).toEqual(new Set([START_MS / 1000]))
    expect(new Set(told.map(({ account_id: id }) => id))).toEqual(new Set(['acc_twin0000000001']))
    for (const { contains, payload } of told) expect(Object.keys(payload)).toEqual(contains)
  })

  test('retries back off exponentially and end within 24 hours', () => {
    const pauses: number[] = []
    for (let attempt = 1; ; attempt += 1) {
      const pause = shop.dialect.retryAfterMs(attempt)
      if (pause === null) break
      pauses.push(pause)
    }
    expect(pauses).toHaveLength(10)
    for (const [index, pause] of pauses.entries()) expect(pause).toBe(60_000 * 2 ** index)
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeLessThan(DAY_MS)
  })
})

describe('the API', () => {
  test('a wrong or missing key is 401 in the shape of Razorpay, whatever is asked', async () => {
    expect(await refusalOf(shop.client('wrong').subscriptions.all())).toEqual({
      statusCode: 401,
      error: { code: 'BAD_REQUEST_ERROR', description: 'Authentication failed' }
    })
    expect((await fetch(`${shop.origin}/v1/nothing`)).status).toBe(401)
  })

  test.each<[string, (target: RazorpayShop) => Promise<unknown>, Record<string, unknown>]>([
    [
      'an unknown subscription',
      ({ razorpay }) => razorpay.subscriptions.fetch('sub_nothing'),
      { description: 'The id provided does not exist' }
    ],
    [
      'an unknown plan',
      (target) => subscribe(target, { plan_id: 'plan_nothing' }),
      { description: 'The id provided does not exist' }
    ],
    [
      'more than a hundred years',
      (target) => subscribe(target, { total_count: 1201 }),
      { description: 'Exceeds the maximum total_count (1200) allowed for the given period and interval' }
    ],
    ['a start in the past', (target) => subscribe(target, { start_at: 1 }), { field: 'start_at' }],
    [
      'a missing parameter',
      ({ razorpay }) => razorpay.subscriptions.create({ plan_id: 'plan_starter_monthly' } as never),
      { description: 'The total count field is required.', field: 'total_count' }
    ],
    [
      'an update of a subscription nobody has paid',
      async (target) => target.razorpay.subscriptions.update(await subscribe(target), { plan_id: 'plan_growth_monthly' }),
      { description: "Can't update subscription when subscription is not in Authenticated or Active state", field: 'status' }
    ],
    [
      'an empty update',
      async (target) => target.razorpay.subscriptions.update(await subscribe(target), {}),
      { description: "Parameters to update can't be empty" }
    ],
    [
      'a parameter that cannot be updated',
      async (target) => target.razorpay.subscriptions.update(await subscribe(target), { total_count: 3 }),
      { description: 'total_count is/are not required and should not be sent' }
    ],
    [
      'remaining_count 0',
      async (target) => target.razorpay.subscriptions.update(await subscribe(target), { remaining_count: 0 }),
      { description: 'The remaining count must be at least 1.', field: 'remaining_count' }
    ],
    [
      'no pending update',
      async (target) => target.razorpay.subscriptions.pendingUpdate(await subscribe(target)),
      { description: 'No Pending update for this subscription' }
    ],
    [
      'pausing what is not active',
      async (target) => target.razorpay.subscriptions.pause(await subscribe(target)),
      { description: "subscription can't be paused as subscription is in created state" }
    ],
    [
      'resuming what is not paused',
      async (target) => target.razorpay.subscriptions.resume(await subscribe(target)),
      { description: "subscription can't be resumed as subscription is in created state" }
    ],
    ['an unknown path', ({ razorpay }) => razorpay.items.all(), { description: 'The requested URL was not found on the server.' }]
  ])('refuses %s', async (_name, call, error) => {
    expect(await refusalOf(call(shop))).toMatchObject({ statusCode: 400, error: { code: 'BAD_REQUEST_ERROR', ...error } })
    expect(shop.world.sent).toEqual([])
  })

  test('lists newest first, by plan, with from and to included, a page at a time', async () => {
    const ids: string[] = []
    for (let index = 0; index < 3; index += 1) {
      ids.unshift(await subscribe(shop))
      shop.world.advance(1000)
    }
    await subscribe(shop, { plan_id: 'plan_growth_monthly' })
    const listed = async (query: Parameters<Razorpay['subscriptions']['all']>[0]) =>
      (await shop.razorpay.subscriptions.all(query)).items.map(({ id }) => id)
    expect(await listed({ plan_id: 'plan_starter_monthly' })).toEqual(ids)
    expect(await listed({ from: START_MS / 1000 + 1, to: START_MS / 1000 + 2 })).toEqual(ids.slice(0, 2))
    expect(await listed({ plan_id: 'plan_starter_monthly', count: 1, skip: 1 })).toEqual([ids[1]])
    expect((await refusalOf(shop.razorpay.subscriptions.all({ count: 101 }))).error['field']).toBe('count')
  })

  test('lists refunds and disputes, newest first, by time and page', async () => {
    const id = await subscribe(shop)
    shop.dialect.control.pay(id, 'good')
    const refunds: string[] = []
    for (let index = 0; index < 3; index += 1) {
      shop.world.advance(1000)
      refunds.unshift(shop.dialect.control.refund(id, 500))
    }
    const dispute = shop.dialect.control.dispute(id)
    const listed = async (query: Parameters<Razorpay['refunds']['all']>[0]) =>
      (await shop.razorpay.refunds.all(query)).items.map((refund) => refund.id)
    expect(await listed({})).toEqual(refunds)
    expect(await listed({ from: START_MS / 1000 + 2 })).toEqual(refunds.slice(0, 2))
    expect(await listed({ count: 1, skip: 1 })).toEqual([refunds[1]])
    const disputes = await shop.razorpay.disputes.all({ count: 100 })
    expect(disputes).toMatchObject({ entity: 'collection', count: 1, items: [{ id: dispute, status: 'open', phase: 'chargeback' }] })
    expect((await shop.razorpay.disputes.all({ skip: 1 })).items).toEqual([])
  })

  test('a setup makes plans beside those of the catalog', async () => {
    const plan = await shop.razorpay.plans.create({
      period: 'monthly',
      interval: 1,
      item: { name: 'Team', amount: 4900, currency: 'USD' }
    })
    expect((await shop.razorpay.plans.all()).items[0]).toEqual(plan)
    expect(await shop.razorpay.plans.fetch('plan_growth_yearly')).toMatchObject({
      period: 'yearly',
      item: { amount: 80_580, currency: 'USD' }
    })
  })
})

describe('the hosted page', () => {
  const post = (id: string, card: string) =>
    fetch(`${shop.origin}/i/${id}`, { method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' })

  test('a person sees what it costs, is declined, pays, and finds the way back to the shop', async () => {
    const { id, short_url: url } = await shop.razorpay.subscriptions.create({
      plan_id: 'plan_starter_monthly',
      total_count: 12,
      notes: { return_url: 'https://parley.example/back?a=1&b=2' }
    })
    const html = await (await fetch(url)).text()
    expect(html).toContain('$19.00')
    expect(html).toContain('offline twin: no real money')
    expect((await post(id, '4000000000000002')).status).toBe(402)
    expect((await post(id, '1')).status).toBe(402)
    expect((await post(id, '4242424242424242')).status).toBe(303)
    expect((await shop.razorpay.subscriptions.fetch(id)).status).toBe('active')
    const paid = await (await fetch(url)).text()
    expect(paid).toContain('href="https://parley.example/back?a=1&amp;b=2"')
    expect(paid).toContain('Change card')
    expect((await post(id, '4000000000000341')).status).toBe(303)
    shop.step(START_MS + 40 * DAY_MS)
    expect(shop.dialect.subscriptions()).toMatchObject([{ status: 'past_due' }])
  })

  test('what the shop wrote cannot become markup or a script', async () => {
    const plan = await shop.razorpay.plans.create({
      period: 'monthly',
      interval: 1,
      item: { name: '<img src=x onerror="alert(1)">', amount: 100, currency: 'USD' }
    })
    const { id } = await shop.razorpay.subscriptions.create({
      plan_id: plan.id,
      total_count: 1200,
      notes: { return_url: 'javascript:alert(1)' }
    })
    shop.dialect.control.pay(id, 'good')
    const res = await fetch(`${shop.origin}/i/${id}`)
    const html = await res.text()
    expect(html).not.toContain('<img')
    expect(html).not.toContain('javascript:')
    expect(res.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await fetch(`${shop.origin}/i/sub_nothing`)).status).toBe(404)
  })
})
