import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { openPaddleShop } from './support/paddle-shop.ts'
import type { Notification, PaddleShop } from './support/paddle-shop.ts'

const FIXTURES = new URL('../../../../shared/fixtures/paddle/', import.meta.url)
const START_MS = Date.UTC(2026, 0, 31, 10)
const SECRET = 'pdl_ntfset_secret'

let shop: PaddleShop
beforeEach(async () => {
  shop = await openPaddleShop(START_MS)
})
afterEach(() => shop.close())

/** everything lives lives in which all kinds of events happen. */
async function everything(): Promise<Notification[]> {
  const { control } = shop.dialect
  const product = await shop.paddle.products.create({ name: 'Seats', taxCategory: 'saas', description: 'More seats' })
  const unitPrice = { amount: '500', currencyCode: 'USD' as const }
  const price = await shop.paddle.prices.create({ productId: product.id, description: 'Seat', unitPrice, billingCycle: { interval: 'month', frequency: 1 } })
  await shop.paddle.prices.update(price.id, { description: 'One seat' })
  const customer = await shop.paddle.customers.create({ email: 'sam@example.com', name: 'Sam', customData: { known: 'yes' } })
  await shop.paddle.customers.update(customer.id, { name: 'Sam Miller' })
  const open = await shop.paddle.transactions.create({ items: [{ priceId: 'pri_starter_monthly', quantity: 1 }] })
  control.pay(open.id, 'declined')
  await shop.paddle.transactions.update(open.id, { status: 'canceled' })
  const first = await shop.buy('pri_starter_monthly', 'declined_later')
  control.refund(first.subscriptionId)
  const trial = await shop.buy('pri_growth_monthly_trial', 'good', 'account-2')
  shop.step(Date.UTC(2026, 2, 1))
  control.pause(trial.subscriptionId)
  control.resume(trial.subscriptionId)
  control.changePrice(trial.subscriptionId, 'pri_starter_monthly')
  control.closeDispute(control.dispute(trial.subscriptionId), 'won')
  shop.step(Date.UTC(2026, 4, 1))
  return shop.told()
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value)

/** gaps names where `ours` lacks a key of `theirs`, or has a value of another kind; null stands for any kind. */
function gaps(theirs: unknown, ours: unknown, path = 'data'): string[] {
  if (theirs === null || ours === null) return []
  if (kindOf(theirs) !== kindOf(ours)) return [`${path}: ${kindOf(ours)} for ${kindOf(theirs)}`]
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    return theirs.length > 0 && ours.length > 0 ? gaps(theirs[0], ours[0], `${path}[0]`) : []
  }
  if (typeof theirs !== 'object' || typeof ours !== 'object') return []
  const own = ours as Record<string, unknown>
  return Object.entries(theirs).flatMap(([key, value]) => (key in own ? gaps(value, own[key], `${path}.${key}`) : [`${path}.${key} is missing`]))
}

const files = existsSync(FIXTURES) ? readdirSync(FIXTURES).filter((file) => file.endsWith('.json')) : []
if (files.length === 0) console.warn("Paddle's published samples are not there: the twin's notifications are not compared with them.")

describe('notifications', () => {
  test('each has every field of the published sample of its type, with the same kind of value', async () => {
    const told = await everything()
    for (const file of files) {
      const sample = JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as Notification
      const ours = told.filter(({ event_type }) => event_type === sample.event_type)
      expect(`${ours.length > 0 ? 'some' : 'no'} ${sample.event_type}`).toBe(`some ${sample.event_type}`)
      // What a seller chose to keep in custom data is no part of the shape.
      for (const one of ours) expect(gaps({ ...sample.data, custom_data: null }, { ...one.data, custom_data: null }).filter((gap) => !gap.includes('custom_data'))).toEqual([])
      expect(Object.keys(ours[0] ?? {}).toSorted()).toEqual(Object.keys(sample).toSorted())
    }
  })

  test('the comparison finds what is missing or of another kind', () => {
    const sample = { a: 1, b: [{ c: 'x' }], d: null }
    expect(gaps(sample, { a: 2, b: [{ c: 'y' }], d: 5 })).toEqual([])
    expect(gaps(sample, { a: '1', b: [{}] })).toEqual(['data.a: string for number', 'data.b[0].c is missing', 'data.d is missing'])
  })

  test('all carry ids and times in the form Paddle documents, and ids never come twice', async () => {
    const told = await everything()
    expect(told.length).toBeGreaterThan(80)
    for (const { event_id, notification_id, occurred_at } of told) {
      expect(event_id).toMatch(/^evt_[a-z\d]{26}$/)
      expect(notification_id).toMatch(/^ntf_[a-z\d]{26}$/)
      expect(occurred_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    }
    expect(new Set(told.map(({ event_id }) => event_id)).size).toBe(told.length)
    const ids = told.map(({ event_id }) => event_id)
    expect(ids.toSorted()).toEqual(ids)
  })

  test("are believed by Paddle's SDK and by Parley, with the secret alone", async () => {
    await shop.buy()
    const nowMs = Date.now()
    const processor = createPaddle({ webhookSecrets: [SECRET], apiKey: null, environment: 'sandbox' })
    for (const { body, eventId, eventType } of shop.world.sent) {
      const headers = shop.dialect.requestHeaders({ body, eventId, secret: SECRET, nowMs })
      const event = await shop.paddle.webhooks.unmarshal(body, SECRET, headers['paddle-signature'] ?? '')
      expect(event).toMatchObject({ eventId, eventType })
      const rawBody = Buffer.from(body)
      expect(processor.verify({ rawBody, headers, nowMs })).toEqual({ valid: true })
      const forged = shop.dialect.requestHeaders({ body, eventId, secret: 'other', nowMs })
      expect(processor.verify({ rawBody, headers: forged, nowMs })).toMatchObject({ valid: false })
    }
  })

  test("Parley's reader rejects none of them", async () => {
    const processor = createPaddle({ webhookSecrets: [SECRET], apiKey: null, environment: 'sandbox' })
    const told = await everything()
    const rejected = told.map((one) => processor.normalise(JSON.stringify(one))).filter(({ outcome }) => outcome === 'rejected')
    expect(rejected).toEqual([])
  })

  test('are tried 60 times within 3 days, with growing pauses', () => {
    const pauses = Array.from({ length: 59 }, (_, index) => shop.dialect.retryAfterMs(index + 1) ?? 0)
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
    expect(pauses[0]).toBeGreaterThan(0)
    const days = pauses.reduce((sum, pause) => sum + pause, 0) / 86_400_000
    expect(days).toBeGreaterThan(2.5)
    expect(days).toBeLessThanOrEqual(3)
    expect(shop.dialect.retryAfterMs(60)).toBeNull()
  })
})
