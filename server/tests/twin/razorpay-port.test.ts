import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { BillingEvent } from '../../src/billing/billing-event.ts'
import type { ProcessorApi } from '../../src/billing/processor.ts'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import type { Card } from '../../../scripts/twin/dialect.ts'
import { createFakeWorld } from './support/fake-world.ts'
import { KEY_SECRET, openShop, PRICES, type RazorpayShop } from './support/razorpay-shop.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 31, 10)
const ACCOUNT = randomUUID()

let shop: RazorpayShop
let api: ProcessorApi
let heard: BillingEvent[]
const processor = () =>
  createRazorpay({
    webhookSecrets: ['whsec'],
    keyId: 'rzp_test_twin',
    keySecret: KEY_SECRET,
    accountId: 'acc_twin0000000001',
    apiUrl: shop.origin,
    nowMs: () => shop.world.nowMs()
  })

beforeEach(async () => {
  shop = await openShop(START_MS)
  heard = []
  const { api: calls } = processor()
  if (calls === null) throw new Error('The processor has no calls.')
  api = calls
})
afterEach(() => shop.close())

// Takes in everything sent so far as Parley would: verified, normalised, nothing rejected.
const hear = (): BillingEvent[] => {
  const { verify, normalise } = processor()
  for (const webhook of shop.world.take()) {
    const headers = shop.dialect.requestHeaders({ ...webhook, secret: 'whsec', nowMs: Date.now() })
    expect(verify({ rawBody: Buffer.from(webhook.body), headers, nowMs: Date.now() })).toEqual({ valid: true })
    const told = normalise(webhook.body)
    expect(told.outcome).not.toBe('rejected')
    if (told.outcome === 'event') heard.push(told.event)
  }
  return heard
}

// What the events come to: the newest state, by time and rank; a charge says active.
const folded = (): Pick<BillingEvent, 'status' | 'items'> => {
  const states = hear()
    .filter(({ kind }) => kind === 'state' || kind === 'payment')
    .toSorted((a, b) => a.occurredAt.localeCompare(b.occurredAt) || a.rank - b.rank)
  const last = states.at(-1)
  if (last === undefined) throw new Error('Nothing was heard.')
  return { status: last.kind === 'payment' ? 'active' : last.status, items: last.items }
}

const checkout = async (trialDays = 0): Promise<string> => {
  const expiresAt = new Date(shop.world.nowMs() + DAY_MS).toISOString()
  const request = {
    accountId: ACCOUNT,
    checkoutId: randomUUID(),
    customerId: null,
    priceId: 'plan_starter_monthly',
    trialDays,
    expiresAt
  }
  return (
    await api.createCheckout(
      { ...request, returnUrl: 'https://parley.example', cancelUrl: 'https://parley.example' },
      randomUUID()
    )
  ).id
}

const truthOf = (id: string) => {
  const truth = shop.dialect.subscriptions().find(({ subscriptionId }) => subscriptionId === id)
  if (truth === undefined) throw new Error(`There is no ${id}.`)
  return truth
}

const agree = async (id: string): Promise<void> => {
  const { status, priceId, periodStart, periodEnd } = truthOf(id)
  const expected = { status, items: [{ priceId, periodStart, periodEnd }] }
  expect(folded()).toMatchObject(expected)
  expect(await api.fetchSubscription(id)).toMatchObject({ ...expected, accountId: ACCOUNT })
}

test('a whole life: what Parley hears and what it fetches is what the twin knows, after every step', async () => {
  const id = await checkout(14)
  expect(await api.fetchCheckout(id)).toMatchObject({ status: 'open', url: `${shop.origin}/i/${id}` })
  shop.dialect.control.pay(id, 'good')
  expect(await api.fetchCheckout(id)).toMatchObject({ status: 'complete', subscriptionId: id })
  await agree(id)
  for (const days of [13, 15, 70]) {
    shop.step(START_MS + days * DAY_MS)
    await agree(id)
  }
  expect(truthOf(id).status).toBe('active')
  await api.changePlan({ subscriptionId: id, priceId: 'plan_growth_monthly', when: 'now' }, randomUUID())
  await agree(id)
  await api.changePlan({ subscriptionId: id, priceId: 'plan_starter_yearly', when: 'period_end' }, randomUUID())
  await api.undoPlanChange({ subscriptionId: id }, randomUUID())
  await api.changePlan({ subscriptionId: id, priceId: 'plan_starter_yearly', when: 'period_end' }, randomUUID())
  await agree(id)
  expect(truthOf(id).priceId).toBe('plan_growth_monthly')
  shop.step(START_MS + 100 * DAY_MS)
  await agree(id)
  expect(truthOf(id).priceId).toBe('plan_starter_yearly')
  await api.pause({ subscriptionId: id }, randomUUID())
  await agree(id)
  await api.resume({ subscriptionId: id }, randomUUID())
  await agree(id)
  expect(await api.cancel({ subscriptionId: id, when: 'period_end' }, randomUUID())).toMatchObject({
    status: 'active',
    cancelsAt: truthOf(id).periodEnd
  })
  await agree(id)
  shop.step(START_MS + 600 * DAY_MS)
  await agree(id)
  expect(truthOf(id).status).toBe('canceled')
})

test('dunning: past due, also when the retries end, then back', async () => {
  const id = await checkout()
  shop.dialect.control.pay(id, 'declined_later')
  for (const days of [28, 29, 30]) {
    shop.step(START_MS + days * DAY_MS)
    await agree(id)
    expect(truthOf(id).status).toBe('past_due')
  }
  shop.step(START_MS + 31 * DAY_MS)
  await agree(id)
  expect(truthOf(id).status).toBe('past_due')
  shop.dialect.control.setCard(id, 'good')
  await agree(id)
  expect(truthOf(id).status).toBe('active')
})

test('a scheduled change whose first charge fails ends past due on the new plan', async () => {
  const id = await checkout()
  shop.dialect.control.pay(id, 'declined_later')
  await api.changePlan({ subscriptionId: id, priceId: 'plan_growth_monthly', when: 'period_end' }, randomUUID())
  shop.step(START_MS + 28 * DAY_MS)
  await agree(id)
  expect(truthOf(id)).toMatchObject({ status: 'past_due', priceId: 'plan_growth_monthly' })
})

test('a declined upgrade is a refusal, a repeated checkout one subscription, an expired one cannot be paid', async () => {
  const id = await checkout()
  shop.dialect.control.pay(id, 'declined_later')
  const change = { subscriptionId: id, priceId: 'plan_growth_monthly', when: 'now' } as const
  await expect(api.changePlan(change, randomUUID())).rejects.toMatchObject({ name: 'ProcessorRefusal', code: 'declined' })
  await agree(id)
  const open = await checkout()
  expect(await api.expireCheckout(open)).toMatchObject({ status: 'expired' })
  expect(() => shop.dialect.control.pay(open, 'good')).toThrow('cancelled')
  expect((await api.listSince({ since: new Date(START_MS).toISOString(), cursor: null })).entries).toHaveLength(1)
})

test('refunds and disputes are heard by the payment they are about', async () => {
  const id = await checkout()
  shop.dialect.control.pay(id, 'good')
  const dispute = shop.dialect.control.dispute(id)
  shop.dialect.control.closeDispute(dispute, 'won')
  const refund = shop.dialect.control.refund(id)
  const paid = hear().find(({ kind }) => kind === 'payment')
  const reversals = heard.filter(({ kind }) => kind === 'refund' || kind === 'dispute')
  expect(reversals.map(({ reversalId, reversalStatus }) => [reversalId, reversalStatus])).toEqual([
    [dispute, 'reversed'],
    [dispute, 'restored'],
    [refund, 'reversed'],
    [refund, 'reversed']
  ])
  for (const { paymentId } of reversals) expect(paymentId).toBe(paid?.paymentId)
})

test('a refund and a dispute of which every webhook was lost are found by listing', async () => {
  const id = await checkout()
  shop.dialect.control.pay(id, 'good')
  const paymentId = hear().find(({ kind }) => kind === 'payment')?.paymentId
  const since = new Date(shop.world.nowMs()).toISOString()
  const lost = [shop.dialect.control.refund(id, 500), shop.dialect.control.dispute(id)]
  expect(shop.world.take().length).toBeGreaterThan(0)

  const list = async (): Promise<BillingEvent[]> => {
    const events: BillingEvent[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<ProcessorApi['listSince']>> = await api.listSince({ since, cursor })
      events.push(...page.entries.flatMap(({ normalised }) => (normalised.outcome === 'event' ? [normalised.event] : [])))
      cursor = page.cursor
    } while (cursor !== null)
    return events.filter(({ kind }) => kind === 'refund' || kind === 'dispute')
  }
  const found = await list()
  expect(found.map(({ reversalId, reversalStatus, amountMinor }) => [reversalId, reversalStatus, amountMinor])).toEqual([
    [lost[0], 'reversed', 500],
    [lost[1], 'reversed', 1900]
  ])
  for (const event of found) expect(event).toMatchObject({ eventType: 'fetched', paymentId, currency: 'USD' })

  // Asked for again, later, they are the same two events; decided, the dispute is another one, and later.
  shop.step(shop.world.nowMs() + DAY_MS)
  expect((await list()).map(({ eventId }) => eventId)).toEqual(found.map(({ eventId }) => eventId))
  shop.dialect.control.closeDispute(lost[1] ?? '', 'won')
  const decided = (await list()).at(-1)
  expect(decided).toMatchObject({ reversalId: lost[1], reversalStatus: 'restored' })
  expect(decided?.eventId).not.toBe(found[1]?.eventId)
  expect(Date.parse(decided?.occurredAt ?? '')).toBeGreaterThan(Date.parse(found[1]?.occurredAt ?? ''))
})

// What anybody may do at Razorpay without asking; what it refuses in the present state changes nothing.
const DEEDS: ((id: string, pick: (from: readonly string[]) => string) => unknown)[] = [
  (id) => shop.dialect.control.pause(id),
  (id) => shop.dialect.control.resume(id),
  (id, pick) => shop.dialect.control.setCard(id, pick(['good', 'good', 'declined', 'declined_later']) as Card),
  (id, pick) => shop.dialect.control.changePrice(id, pick(PRICES.map((price) => price.id))),
  (id, pick) =>
    shop.razorpay.subscriptions.update(id, { plan_id: pick(PRICES.map((price) => price.id)), schedule_change_at: 'cycle_end' }),
  (id, pick) => shop.dialect.control.refund(id, Number(pick(['100', '500']))),
  (id, pick) => shop.dialect.control.cancel(id, pick(['period_end', 'period_end', 'now']) as 'now' | 'period_end'),
  () => undefined,
  () => undefined,
  () => undefined
]

test.each([1, 2, 3, 4, 5, 6])(
  'a random life (seed %i): bytes never repeat, counts add up, and the events come to the truth',
  async (seed) => {
    const random = createFakeWorld(0).random
    for (let skip = 0; skip < seed * 1000; skip += 1) random()
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const bodies = new Set<string>()
    let sent = 0
    for (let life = 0; life < 4; life += 1) {
      const id = await checkout(pick([0, 0, 14]))
      shop.dialect.control.pay(id, pick(['good', 'declined_later']))
      for (let step = 0; step < 25; step += 1) {
        try {
          await pick(DEEDS)(id, pick)
        } catch (error) {
          expect(error).toMatchObject(error instanceof Error ? { name: 'Refusal' } : { statusCode: 400 })
        }
        shop.step(shop.world.nowMs() + pick([0, 0, 3_600_000, 5 * DAY_MS, 33 * DAY_MS, 75 * DAY_MS]))
        sent += shop.world.sent.length
        for (const { body } of shop.world.sent) bodies.add(body)
        const entity = await shop.razorpay.subscriptions.fetch(id)
        expect(entity.paid_count).toBeLessThanOrEqual(entity.total_count - Number(entity.remaining_count))
        // A halted subscription's cycles go on without a word.
        if (entity.status === 'halted') expect(folded().status).toBe('past_due')
        else await agree(id)
      }
      heard = []
    }
    expect(bodies.size).toBe(sent)
  }
)
