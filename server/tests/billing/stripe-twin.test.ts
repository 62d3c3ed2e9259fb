import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { ProcessorApi } from '../../src/billing/processor.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { API_KEY, passTo, startStripeTwin } from '../twin/support/stripe-twin.ts'
import type { StripeTwin } from '../twin/support/stripe-twin.ts'

let twin: StripeTwin
let api: ProcessorApi
beforeEach(async () => {
  twin = await startStripeTwin()
  const processor = createStripe({ webhookSecrets: [], apiKey: API_KEY, apiUrl: twin.origin, nowMs: () => twin.world.nowMs() })
  if (processor.api === null) throw new Error('no API')
  api = processor.api
})
afterEach(() => twin.close())

async function subscribed(card: 'good' | 'declined_later' = 'good', trialDays = 0): Promise<string> {
  const expiresAt = new Date(twin.world.nowMs() + 3_600_000).toISOString()
  const names = { accountId: 'org_1', checkoutId: 'co_1', customerId: null, priceId: 'price_growth_monthly' }
  const urls = { returnUrl: 'http://parley.test/return', cancelUrl: 'http://parley.test/plans' }
  const checkout = await api.createCheckout({ ...names, ...urls, trialDays, expiresAt }, 'buy')
  expect(checkout).toMatchObject({ status: 'open', url: expect.stringContaining(twin.origin), subscriptionId: null })
  expect(twin.dialect.control.pay(checkout.id, card)).toBe(true)
  const paid = await api.expireCheckout(checkout.id)
  expect(paid).toMatchObject({ status: 'complete', subscriptionId: expect.any(String), customerId: expect.any(String) })
  return paid.subscriptionId ?? ''
}
const priceOf = (event: { items: { priceId: string }[] }) => event.items.map(({ priceId }) => priceId)
const endOf = (event: { items: { periodEnd: string | null }[] }) => Date.parse(event.items[0]?.periodEnd ?? '')

test('an upgrade now costs what the preview said, and happens once however often it is asked for', async () => {
  const subscriptionId = await subscribed()
  const change = { subscriptionId, priceId: 'price_enterprise_monthly' }
  await expect(api.previewChange(change)).resolves.toEqual({ dueNowMinor: 32_000, currency: 'USD' })
  const invoices = async () => (await twin.stripe.invoices.list({ subscription: subscriptionId })).data.map(({ total }) => total)
  for (let times = 0; times < 3; times += 1) expect(priceOf(await api.changePlan({ ...change, when: 'now' }, 'up'))).toEqual(['price_enterprise_monthly'])
  expect(await invoices()).toEqual([32_000, 7900])
})

test('a declined upgrade changes nothing, says why, and leaves a pending downgrade pending', async () => {
  const subscriptionId = await subscribed('declined_later')
  await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'down')
  const upgrade = api.changePlan({ subscriptionId, priceId: 'price_enterprise_monthly', when: 'now' }, 'up')
  await expect(upgrade).rejects.toMatchObject({ code: 'declined', message: expect.stringMatching(/^The payment was declined/) })
  expect(priceOf(await api.fetchSubscription(subscriptionId))).toEqual(['price_growth_monthly'])
  expect((await twin.stripe.subscriptions.retrieve(subscriptionId)).schedule).not.toBeNull()
})

test('an upgrade that goes through ends the pending downgrade for good', async () => {
  const subscriptionId = await subscribed()
  const down = await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'down')
  await api.changePlan({ subscriptionId, priceId: 'price_enterprise_monthly', when: 'now' }, 'up')
  passTo(twin, endOf(down) + 86_400_000)
  expect(priceOf(await api.fetchSubscription(subscriptionId))).toEqual(['price_enterprise_monthly'])
})

test('a downgrade at the end of the period takes effect then and not before, asked once or twice', async () => {
  const subscriptionId = await subscribed()
  for (const key of ['down', 'down', 'again']) {
    const told = await api.changePlan({ subscriptionId, priceId: 'price_starter_yearly', when: 'period_end' }, key)
    expect(priceOf(told)).toEqual(['price_growth_monthly'])
  }
  expect((await twin.stripe.subscriptionSchedules.list()).data).toHaveLength(1)
  const end = endOf(await api.fetchSubscription(subscriptionId))
  passTo(twin, end + 86_400_000)
  const after = await api.fetchSubscription(subscriptionId)
  expect(priceOf(after)).toEqual(['price_starter_yearly'])
  expect(endOf(after) - end).toBeGreaterThan(360 * 86_400_000)
})

test('a downgrade taken back never comes', async () => {
  const subscriptionId = await subscribed()
  const told = await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'down')
  for (const key of ['undo', 'undo', 'again']) await api.undoPlanChange({ subscriptionId }, key)
  passTo(twin, endOf(told) + 86_400_000)
  expect(priceOf(await api.fetchSubscription(subscriptionId))).toEqual(['price_growth_monthly'])
})

test('a downgrade during a trial leaves the trial as it is', async () => {
  const subscriptionId = await subscribed('good', 14)
  const before = await api.fetchSubscription(subscriptionId)
  expect(before).toMatchObject({ status: 'trialing', trialEndsAt: expect.any(String) })
  const after = await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'down')
  expect(after).toMatchObject({ status: 'trialing', trialEndsAt: before.trialEndsAt })
})

test('a cancellation is planned over a pending downgrade, taken back, and made at once', async () => {
  const subscriptionId = await subscribed()
  await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'down')
  const planned = await api.cancel({ subscriptionId, when: 'period_end' }, 'end')
  expect(planned).toMatchObject({ status: 'active', cancelsAt: planned.items[0]?.periodEnd })
  await expect(api.resume({ subscriptionId }, 'keep')).resolves.toMatchObject({ status: 'active', cancelsAt: null })
  for (const key of ['stop', 'stop']) {
    await expect(api.cancel({ subscriptionId, when: 'now' }, key)).resolves.toMatchObject({ status: 'canceled' })
  }
})

test('a pause is a pause, also of what has a pending downgrade, and ends with resume', async () => {
  const subscriptionId = await subscribed()
  await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'down')
  for (const key of ['pause', 'pause']) await expect(api.pause({ subscriptionId }, key)).resolves.toMatchObject({ status: 'paused' })
  for (const key of ['go', 'go']) await expect(api.resume({ subscriptionId }, key)).resolves.toMatchObject({ status: 'active' })
})

test('what was sent as webhooks is what the list has, and all of it can be read', async () => {
  const since = new Date(twin.world.nowMs() - 1000).toISOString()
  const subscriptionId = await subscribed()
  twin.dialect.control.refund(subscriptionId, 100)
  twin.dialect.control.closeDispute(twin.dialect.control.dispute(subscriptionId), 'won')
  twin.dialect.control.cancel(subscriptionId, 'now')
  const listed = new Map<string, string>()
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<ProcessorApi['listSince']>> = await api.listSince({ since, cursor })
    for (const { normalised } of page.entries) {
      expect(normalised.outcome).toBe('event')
      if (normalised.outcome === 'event') listed.set(normalised.event.eventId, normalised.event.kind)
    }
    cursor = page.cursor
  } while (cursor !== null)
  const { normalise } = createStripe({ webhookSecrets: [], apiKey: API_KEY })
  const sent = twin.world.take().map(({ body }) => normalise(body)).flatMap((one) => (one.outcome === 'event' ? one.event.eventId : []))
  expect([...listed.keys()].sort()).toEqual([...new Set(sent)].sort())
  expect([...new Set(listed.values())].sort()).toEqual(['dispute', 'link', 'payment', 'refund', 'state'])
})
