import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { setUpEndpoint, setUpPortal } from '../../../scripts/setup/stripe-account.ts'
import { setUpCatalog } from '../../../scripts/setup/stripe-catalog.ts'
import { openShop } from '../../../scripts/setup/stripe-shop.ts'
import type { ProcessorApi } from '../../src/billing/processor.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { API_KEY, passTo, startStripeTwin } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'

let twin: StripeTwin
let api: ProcessorApi
beforeEach(async () => {
  twin = await startStripeTwin(Date.UTC(2026, 2, 1))
  const made = createStripe({
    webhookSecrets: ['whsec_twin'],
    apiKey: API_KEY,
    apiUrl: twin.origin,
    nowMs: () => twin.world.nowMs()
  })
  if (made.api === null) throw new Error('There is no api.')
  api = made.api
})
afterEach(() => twin.close())

async function buy(priceId: string, card: 'good' | 'declined_later' = 'good', trialDays = 0): Promise<string> {
  const expiresAt = new Date(twin.world.nowMs() + 3_600_000).toISOString()
  const checkout = await api.createCheckout(
    {
      accountId: 'org_1',
      checkoutId: 'c1',
      customerId: null,
      priceId,
      trialDays,
      returnUrl: 'http://parley.test/r',
      cancelUrl: 'http://parley.test/c',
      expiresAt
    },
    `key-${twin.world.nowMs()}-${priceId}`
  )
  expect(checkout).toMatchObject({ status: 'open', url: `${twin.origin}/checkout/${checkout.id}` })
  twin.dialect.control.pay(checkout.id, card)
  const paid = await api.fetchCheckout(checkout.id)
  expect(await api.expireCheckout(checkout.id)).toEqual(paid)
  return paid.subscriptionId ?? ''
}

/** agrees: what Parley's own port says of the subscription is the twin's truth. */
async function agrees(subscriptionId: string): Promise<void> {
  const event = await api.fetchSubscription(subscriptionId)
  const truth = twin.dialect.subscriptions().find((one) => one.subscriptionId === subscriptionId)
  expect({ status: event.status, customerId: event.customerId, accountId: event.accountId, ...event.items[0] }).toEqual({
    status: truth?.status,
    customerId: truth?.customerId,
    accountId: truth?.accountId,
    priceId: truth?.priceId,
    periodStart: truth?.periodStart,
    periodEnd: truth?.periodEnd
  })
  expect(event.cancelsAt).toBe(truth?.cancelsAt)
}

describe('the Stripe port of the server, over the twin', () => {
  test('buys, upgrades as previewed, plans and takes back a downgrade, cancels, resumes, pauses', async () => {
    const subscriptionId = await buy('price_starter_monthly')
    twin.world.setNow(Date.UTC(2026, 2, 16, 12))
    expect(await api.previewChange({ subscriptionId, priceId: 'price_growth_monthly' })).toEqual({
      dueNowMinor: 3000,
      currency: 'USD'
    })
    const upgraded = await api.changePlan({ subscriptionId, priceId: 'price_growth_monthly', when: 'now' }, 'k1')
    expect(upgraded.items[0]?.priceId).toBe('price_growth_monthly')
    const later = { subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' as const }
    expect((await api.changePlan(later, 'k2')).items[0]?.priceId).toBe('price_growth_monthly')
    await api.undoPlanChange({ subscriptionId }, 'k3')
    passTo(twin, Date.UTC(2026, 3, 2))
    expect((await api.fetchSubscription(subscriptionId)).items[0]?.priceId).toBe('price_growth_monthly')
    await api.changePlan(later, 'k4')
    passTo(twin, Date.UTC(2026, 4, 2))
    expect((await api.fetchSubscription(subscriptionId)).items[0]?.priceId).toBe('price_starter_monthly')
    expect((await api.cancel({ subscriptionId, when: 'period_end' }, 'k5')).cancelsAt).toBe('2026-06-01T00:00:00.000Z')
    expect((await api.resume({ subscriptionId }, 'k6')).cancelsAt).toBeNull()
    expect((await api.pause({ subscriptionId }, 'k7')).status).toBe('paused')
    await agrees(subscriptionId)
    passTo(twin, Date.UTC(2026, 6, 2))
    expect((await api.resume({ subscriptionId }, 'k8')).status).toBe('active')
    await agrees(subscriptionId)
    expect((await api.cancel({ subscriptionId, when: 'now' }, 'k9')).status).toBe('canceled')
    await agrees(subscriptionId)
  })

  test.each([
    ['at the end of its period', false],
    ['at once although an end was planned', true]
  ])('agrees with the twin on a subscription that ended %s', async (_title, atOnce) => {
    const subscriptionId = await buy('price_starter_monthly')
    await api.cancel({ subscriptionId, when: 'period_end' }, 'k1')
    await agrees(subscriptionId)
    passTo(twin, Date.UTC(2026, 2, 20))
    if (atOnce) await api.cancel({ subscriptionId, when: 'now' }, 'k2')
    passTo(twin, Date.UTC(2026, 5, 1))
    await agrees(subscriptionId)
    expect(twin.dialect.subscriptions()[0]?.status).toBe('canceled')
  })

  test('plans a downgrade during a trial, which does not end it', async () => {
    const subscriptionId = await buy('price_growth_monthly', 'good', 14)
    const planned = await api.changePlan({ subscriptionId, priceId: 'price_starter_monthly', when: 'period_end' }, 'k1')
    expect([planned.status, planned.items[0]?.priceId]).toEqual(['trialing', 'price_growth_monthly'])
    passTo(twin, Date.UTC(2026, 2, 15, 1))
    expect(await api.fetchSubscription(subscriptionId)).toMatchObject({
      status: 'active',
      items: [{ priceId: 'price_starter_monthly' }]
    })
  })

  test('is told that a card was declined, and the old plan stays', async () => {
    const subscriptionId = await buy('price_starter_monthly', 'declined_later')
    const change = { subscriptionId, priceId: 'price_growth_monthly', when: 'now' as const }
    await expect(api.changePlan(change, 'k1')).rejects.toMatchObject({ name: 'ProcessorRefusal', code: 'declined' })
    await expect(api.fetchSubscription('sub_none')).rejects.toMatchObject({ code: 'not_found' })
    await agrees(subscriptionId)
  })

  test('opens the portal, and lists every event that was sent, none of them rejected', async () => {
    const subscriptionId = await buy('price_starter_monthly')
    const { customerId } = await api.fetchSubscription(subscriptionId)
    const portal = await api.portal({ customerId: customerId ?? '', subscriptionId, returnUrl: 'http://parley.test/b' })
    expect((await fetch(portal.url)).status).toBe(200)
    twin.dialect.control.refund(subscriptionId, 100)
    twin.dialect.control.closeDispute(twin.dialect.control.dispute(subscriptionId), 'lost')
    passTo(twin, Date.UTC(2026, 2, 20))
    const listed = new Map<string, string>()
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await api.listSince({ since: '2026-03-01T00:00:00Z', cursor: cursor ?? null })
      for (const { normalised } of page.entries) {
        const { eventId } = normalised.outcome === 'event' ? normalised.event : normalised
        listed.set(eventId, normalised.outcome)
      }
      cursor = page.cursor
    }
    expect([...listed.values()]).not.toContain('rejected')
    const { normalise } = createStripe({ webhookSecrets: [], apiKey: null })
    const acted = twin.world.sent.filter(({ body }) => normalise(body).outcome === 'event')
    expect(acted.length).toBeGreaterThan(5)
    for (const { eventId } of acted) expect(listed.get(eventId)).toBe('event')
  })
})

test('the setup makes catalog, portal and endpoint, and finds them again unchanged', async () => {
  const catalog = (['month', 'year'] as const).map((interval) => ({
    plan: 'growth',
    planName: 'Growth',
    interval,
    version: 1,
    amountMinor: interval === 'month' ? 7900 : 80_580,
    currency: 'USD',
    trialDays: 14
  }))
  const lines: string[][] = []
  const written: string[] = []
  for (const run of [0, 1]) {
    lines[run] = []
    const shop = openShop(
      { apiKey: API_KEY, apiUrl: twin.origin },
      { isDryRun: false, total: 5, say: (line) => void lines[run]?.push(line) }
    )
    await setUpCatalog(shop, catalog, async ({ priceId }) => void written.push(priceId))
    await setUpPortal(shop)
    const { secret } = await setUpEndpoint(shop, 'https://parley.test/webhooks/stripe')
    expect(secret === null).toBe(run === 1)
  }
  expect(lines[0]?.every((line) => line.endsWith('created'))).toBe(true)
  expect(lines[1]?.every((line) => line.endsWith('unchanged'))).toBe(true)
  expect(written.slice(2)).toEqual(written.slice(0, 2))
})
