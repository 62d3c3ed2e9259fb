import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openPaddleShop } from './support/paddle-shop.ts'
import type { PaddleShop } from './support/paddle-shop.ts'

const START_MS = Date.UTC(2026, 0, 31, 10)

let shop: PaddleShop
beforeEach(async () => {
  shop = await openPaddleShop(START_MS)
})
afterEach(() => shop.close())

describe('the API', () => {
  test('answers a wrong, a malformed and a missing key with 403 and the code for each', async () => {
    await expect(shop.clientWith('pdl_other').products.list().next()).rejects.toMatchObject({ code: 'invalid_token' })
    for (const [authorization, code] of [
      ['Basic x', 'authentication_malformed'],
      [null, 'authentication_missing']
    ] as const) {
      const res = await fetch(`${shop.origin}/products`, { headers: authorization === null ? {} : { authorization } })
      expect(res.status).toBe(403)
      expect(await res.json()).toMatchObject({ error: { type: 'request_error', code }, meta: { request_id: expect.any(String) } })
    }
  })

  test('names what is not there, and the fields that are wrong', async () => {
    await expect(shop.paddle.subscriptions.get('sub_none')).rejects.toMatchObject({ code: 'not_found' })
    await expect(shop.paddle.prices.get('__proto__')).rejects.toMatchObject({ code: 'not_found' })
    await expect(shop.paddle.transactions.create({ items: [] })).rejects.toMatchObject({ code: 'invalid_field', errors: [{ field: 'items' }] })
    const headers = { authorization: 'Bearer pdl_twin', 'content-type': 'application/json' }
    const broken = await fetch(`${shop.origin}/transactions`, { method: 'POST', headers, body: '{' })
    expect(broken.status).toBe(400)
    expect(await broken.json()).toMatchObject({ error: { code: 'bad_request' } })
    const unknown = await fetch(`${shop.origin}/discounts`, { headers })
    expect(unknown.status).toBe(404)
  })

  test('a catalog is made, found again and changed, as a setup script does', async () => {
    const { products, prices } = shop.paddle
    const product = await products.create({ name: 'Team', taxCategory: 'saas', customData: { plan: 'team' } })
    const billingCycle = { interval: 'month', frequency: 1 } as const
    const unitPrice = { amount: '4900', currencyCode: 'USD' } as const
    const made = await prices.create({
      productId: product.id,
      description: 'Team monthly',
      unitPrice,
      billingCycle,
      trialPeriod: { interval: 'day', frequency: 7 },
      customData: { key: 'team_monthly' }
    })
    expect(await prices.get(made.id)).toMatchObject({ unitPrice, billingCycle, trialPeriod: { frequency: 7 }, customData: { key: 'team_monthly' } })
    const found = await products.list({ status: ['active'], include: ['prices'] }).next()
    expect(found.find(({ id }) => id === product.id)?.prices).toMatchObject([{ id: made.id }])
    expect(await products.update(product.id, { name: 'Teams' })).toMatchObject({ name: 'Teams', customData: { plan: 'team' }, taxCategory: 'saas' })
    expect(await prices.update(made.id, { status: 'archived' })).toMatchObject({ status: 'archived', description: 'Team monthly' })
    expect((await prices.list({ productId: [product.id], status: ['active'] }).next()).length).toBe(0)
  })

  test('a notification destination is made once, listed and changed', async () => {
    const { notificationSettings } = shop.paddle
    const destination = 'http://127.0.0.1:1/webhooks/paddle'
    const made = await notificationSettings.create({ description: 'Parley', destination, type: 'url', subscribedEvents: ['subscription.updated'] })
    expect(made.endpointSecretKey).toMatch(/^pdl_ntfset_[a-z0-9]+$/)
    await notificationSettings.update(made.id, { subscribedEvents: ['subscription.updated', 'adjustment.updated'] })
    const [listed] = await notificationSettings.list()
    expect(listed).toMatchObject({ id: made.id, destination, active: true, endpointSecretKey: made.endpointSecretKey })
    expect(listed?.subscribedEvents.map(({ name }) => name)).toEqual(['subscription.updated', 'adjustment.updated'])
  })

  test('one email is one customer', async () => {
    const { id } = await shop.paddle.customers.create({ email: 'sam@example.com' })
    await expect(shop.paddle.customers.create({ email: 'SAM@example.com' })).rejects.toMatchObject({
      code: 'customer_already_exists',
      detail: expect.stringContaining(id)
    })
    expect(await shop.paddle.customers.list({ email: ['sam@example.com'] }).next()).toMatchObject([{ id }])
  })

  test('events are listed oldest first, a page at a time, from any of them on, with the ids of the notifications', async () => {
    await shop.buy()
    const sent = shop.world.sent.map(({ eventId }) => eventId)
    const listed: string[] = []
    for await (const event of shop.paddle.events.list({ perPage: 3 })) listed.push(event.eventId)
    expect(listed).toEqual(sent)
    const from = await shop.paddle.events.list({ after: sent[4] ?? '', perPage: 2 }).next()
    expect(from.map(({ eventId }) => eventId)).toEqual(sent.slice(5, 7))
    expect(await shop.paddle.events.list({ after: sent.at(-1) ?? '' }).next()).toEqual([])
    const newest = await shop.paddle.events.list({ orderBy: 'id[DESC]', perPage: 1 }).next()
    expect(newest[0]?.eventId).toBe(sent.at(-1))
  })

  test('events are kept for 90 days; a page from one that is gone begins with the oldest that is left', async () => {
    await shop.buy()
    const first = shop.world.sent[0]?.eventId ?? ''
    shop.step(Date.UTC(2026, 6, 1))
    const [oldest] = await shop.paddle.events.list({ after: first }).next()
    expect(Date.parse(oldest?.occurredAt ?? '')).toBeGreaterThan(Date.UTC(2026, 6, 1) - 122 * 86_400_000)
    expect(Date.parse(oldest?.occurredAt ?? '')).toBeGreaterThan(START_MS)
  })

  test('subscriptions are found by customer, status and price', async () => {
    const mine = await shop.buy()
    await shop.buy('pri_growth_monthly_trial', 'good', 'account-2')
    const { subscriptions } = shop.paddle
    expect(await subscriptions.list({ customerId: [mine.customerId] }).next()).toMatchObject([{ id: mine.subscriptionId }])
    expect(await subscriptions.list({ status: ['trialing'] }).next()).toHaveLength(1)
    expect(await subscriptions.list({ priceId: ['pri_starter_monthly', 'pri_growth_monthly_trial'] }).next()).toHaveLength(2)
  })

  test('transactions are found by their times, and the date is compared as a time', async () => {
    const { subscriptionId } = await shop.buy()
    shop.step(Date.UTC(2026, 2, 1))
    const find = async (filter: object) => (await shop.paddle.transactions.list({ subscriptionId: [subscriptionId], ...filter }).next()).length
    expect(await find({})).toBe(2)
    expect(await find({ 'createdAt[GT]': '2026-02-01T00:00:00Z' })).toBe(1)
    expect(await find({ 'createdAt[LT]': '2026-02-01T00:00:00Z' })).toBe(1)
    expect(await find({ 'billedAt[GTE]': '2026-03-01T00:00:00Z' })).toBe(0)
  })

  test('what is archived is not sold, and to nobody who is', async () => {
    await shop.paddle.prices.update('pri_starter_monthly', { status: 'archived' })
    const { id: customerId } = await shop.paddle.customers.create({ email: 'sam@example.com' })
    await shop.paddle.customers.update(customerId, { status: 'archived' })
    const create = (priceId: string, to: object) => shop.paddle.transactions.create({ items: [{ priceId, quantity: 1 }], ...to })
    await expect(create('pri_starter_monthly', {})).rejects.toMatchObject({ code: 'entity_archived' })
    await expect(create('pri_starter_yearly', { customerId })).rejects.toMatchObject({ code: 'entity_archived' })
  })

  test('a one-time charge is billed at once or with the next renewal', async () => {
    const { subscriptionId } = await shop.buy()
    const unitPrice = { amount: '300', currencyCode: 'USD' } as const
    const { id: priceId } = await shop.paddle.prices.create({ productId: 'pro_starter', description: 'Setup', unitPrice })
    const items = [{ priceId, quantity: 2 }]
    shop.told()
    await shop.paddle.subscriptions.createOneTimeCharge(subscriptionId, { effectiveFrom: 'immediately', items })
    expect(shop.told().at(-1)?.data).toMatchObject({ origin: 'subscription_charge', details: { totals: { grand_total: '600' } } })
    await shop.paddle.subscriptions.createOneTimeCharge(subscriptionId, { effectiveFrom: 'next_billing_period', items })
    shop.step(Date.UTC(2026, 1, 28, 10))
    expect(shop.told().at(-1)?.data).toMatchObject({ details: { totals: { grand_total: '2500' } } })
  })
})

describe('the pages', () => {
  const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' as const })
  const checkout = async (customData: Record<string, unknown>) => {
    const { id, checkout: page } = await shop.paddle.transactions.create({ items: [{ priceId: 'pri_starter_monthly', quantity: 1 }], customData })
    return { id, url: page?.url ?? '' }
  }

  test('a buyer pays on the checkout page and is sent back to the shop; declined says so and keeps it open', async () => {
    const { id, url } = await checkout({ account_id: 'a', return_url: 'http://127.0.0.1:9/back?x=1&y=2' })
    const shown = await fetch(url)
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'")
    const page = await shown.text()
    expect(page).toContain('offline twin: no real money')
    expect(page).toContain('$19.00')
    const declined = await fetch(url, form({ card: '4000000000000002', email: 'sam@example.com' }))
    expect(declined.status).toBe(402)
    expect(await declined.text()).toContain('Your card was declined')
    const paid = await fetch(url, form({ card: '4242424242424242' }))
    expect([paid.status, paid.headers.get('location')]).toEqual([303, 'http://127.0.0.1:9/back?x=1&y=2'])
    expect(await shop.paddle.transactions.get(id, { include: ['customer'] })).toMatchObject({ status: 'completed', customer: { email: 'sam@example.com' } })
    const again = await fetch(url)
    expect(await again.text()).toContain('href="http://127.0.0.1:9/back?x=1&#38;y=2"')
  })

  test('paying twice pays once', async () => {
    const { url } = await checkout({})
    await Promise.all([fetch(url, form({ card: '4242424242424242' })), fetch(url, form({ card: '4242424242424242' }))])
    expect(shop.dialect.subscriptions()).toHaveLength(1)
  })

  test('nothing that a shop puts into a checkout runs there', async () => {
    const { id } = await shop.paddle.products.create({ name: 'x', taxCategory: 'saas' })
    const price = await shop.paddle.prices.create({
      productId: id,
      description: 'd',
      name: '<script>alert(1)</script>',
      unitPrice: { amount: '1', currencyCode: 'USD' }
    })
    const made = await shop.paddle.transactions.create({ items: [{ priceId: price.id, quantity: 1 }], customData: { return_url: 'javascript:alert(1)' } })
    const page = await (await fetch(made.checkout?.url ?? '')).text()
    expect(page).toContain('&#60;script&#62;alert(1)')
    expect(page).not.toContain('javascript:')
  })

  test('a canceled or unknown checkout says so', async () => {
    const { id, url } = await checkout({})
    shop.dialect.control.pay(id, 'declined')
    await shop.paddle.transactions.update(id, { status: 'canceled' })
    expect(await (await fetch(url)).text()).toContain('This checkout is closed')
    expect((await fetch(`${shop.origin}/checkout?_ptxn=txn_none`)).status).toBe(404)
    expect((await fetch(`${shop.origin}/checkout`)).status).toBe(404)
  })

  test('a customer cancels, undoes it and changes the card in the portal, and nobody without the link does', async () => {
    const { customerId, subscriptionId } = await shop.buy()
    const session = await shop.paddle.customerPortalSessions.create(customerId, [subscriptionId])
    const url = session.urls.general.overview
    expect(session.urls.subscriptions).toMatchObject([{ id: subscriptionId }])
    expect(await (await fetch(url)).text()).toContain('Cancel the subscription')
    const act = (fields: Record<string, string>, at = url) => fetch(at, form({ subscription_id: subscriptionId, ...fields }))
    expect((await act({ action: 'cancel' })).status).toBe(303)
    expect(shop.truth().cancelsAt).toBe('2026-02-28T10:00:00.000000Z')
    await act({ action: 'undo' })
    expect(shop.truth().cancelsAt).toBeNull()
    await act({ action: 'card', card: '4000000000000341' })
    shop.step(Date.UTC(2026, 1, 28, 10))
    expect(shop.truth().status).toBe('past_due')
    const fresh = await shop.paddle.customerPortalSessions.create(customerId, [])
    await act({ action: 'card', card: '4242424242424242' }, fresh.urls.general.overview)
    expect(shop.truth().status).toBe('active')
    const link = fresh.urls.general.overview
    expect((await fetch(link)).status).toBe(200)
    expect((await fetch(link.replace(/token=.*/, 'token=pga_wrong'))).status).toBe(404)
    expect((await fetch(link.replace(/[?].*/, ''))).status).toBe(404)
    // The first link has run out by now.
    expect((await fetch(url)).status).toBe(404)
    const stranger = await shop.buy('pri_starter_monthly', 'good', 'account-2')
    expect((await act({ action: 'cancel', subscription_id: stranger.subscriptionId }, fresh.urls.general.overview)).status).toBe(404)
  })

  test('the page that changes a card pays what is past due', async () => {
    const { subscriptionId } = await shop.buy('pri_starter_monthly', 'declined_later')
    shop.step(Date.UTC(2026, 1, 28, 10))
    const owed = await shop.paddle.subscriptions.getPaymentMethodChangeTransaction(subscriptionId)
    expect(owed).toMatchObject({ status: 'past_due', origin: 'subscription_recurring' })
    expect((await fetch(owed.checkout?.url ?? '', form({ card: '4242424242424242' }))).status).toBe(303)
    expect(shop.truth().status).toBe('active')
    const change = await shop.paddle.subscriptions.getPaymentMethodChangeTransaction(subscriptionId)
    expect(change).toMatchObject({ status: 'ready', origin: 'subscription_payment_method_change', details: { totals: { grandTotal: '0' } } })
    expect((await fetch(change.checkout?.url ?? '', form({ card: '4000000000000341' }))).status).toBe(303)
    shop.step(Date.UTC(2026, 2, 31, 10))
    expect(shop.truth().status).toBe('past_due')
  })
})
