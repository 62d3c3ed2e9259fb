import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import Stripe from 'stripe'
import { parseForm } from '../../../scripts/twin/stripe/form.ts'
import { API_KEY, startStripeTwin, subscribe } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'

let twin: StripeTwin
beforeEach(async () => {
  twin = await startStripeTwin()
})
afterEach(() => twin.close())

function call(method: string, path: string, key = API_KEY) {
  return fetch(`${twin.origin}${path}`, { method, headers: { authorization: `Bearer ${key}` } })
}

describe('a repeated call with the same key', () => {
  test('is answered as the first time, and has one effect', async () => {
    const ask = () => twin.stripe.customers.create({ email: 'ada@example.com' }, { idempotencyKey: 'key-1' })
    const [first, second] = [await ask(), await ask()]
    expect(second).toEqual(first)
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true')
    expect((await twin.stripe.customers.list()).data).toHaveLength(1)
  })

  test('repeats a decline, too, even after the card was changed', async () => {
    const id = await subscribe(twin, { card: 'declined_later' })
    const item = (await twin.stripe.subscriptions.retrieve(id)).items.data[0]?.id ?? ''
    const ask = (idempotencyKey: string) =>
      twin.stripe.subscriptions.update(
        id,
        {
          items: [{ id: item, price: 'price_growth_monthly' }],
          proration_behavior: 'always_invoice',
          payment_behavior: 'error_if_incomplete'
        },
        { idempotencyKey }
      )
    await expect(ask('one')).rejects.toMatchObject({ statusCode: 402 })
    twin.dialect.control.setCard(id, 'good')
    await expect(ask('one')).rejects.toMatchObject({ statusCode: 402 })
    expect((await ask('two')).items.data[0]?.price.id).toBe('price_growth_monthly')
  })

  test('survives a restart', async () => {
    const first = await twin.stripe.customers.create({}, { idempotencyKey: 'key-1' })
    const kept: unknown = JSON.parse(JSON.stringify(twin.dialect.save()))
    twin.dialect.load(kept)
    expect((await twin.stripe.customers.create({}, { idempotencyKey: 'key-1' })).id).toBe(first.id)
  })

  test('but other parameters is refused', async () => {
    await twin.stripe.customers.create({ email: 'ada@example.com' }, { idempotencyKey: 'key-1' })
    await expect(twin.stripe.customers.create({ email: 'bob@example.com' }, { idempotencyKey: 'key-1' })).rejects.toMatchObject({
      type: 'StripeIdempotencyError',
      statusCode: 400
    })
  })
})

describe('what is refused', () => {
  test('a wrong key, with 401 and no word about the right one', async () => {
    const stranger = new Stripe('sk_test_wrong', {
      host: '127.0.0.1',
      port: new URL(twin.origin).port,
      protocol: 'http',
      maxNetworkRetries: 0,
      telemetry: false
    })
    await expect(stranger.customers.list()).rejects.toMatchObject({ type: 'StripeAuthenticationError', statusCode: 401 })
    expect(await (await call('GET', '/v1/customers', 'wrong')).text()).not.toContain(API_KEY)
  })

  test('an id and a path that are not there, with 404 and an error object', async () => {
    await expect(twin.stripe.subscriptions.retrieve('sub_none')).rejects.toMatchObject({
      statusCode: 404,
      code: 'resource_missing'
    })
    await expect(twin.stripe.customers.retrieve('constructor')).rejects.toMatchObject({ statusCode: 404 })
    expect(await (await call('GET', '/v1/coupons')).json()).toEqual({
      error: expect.objectContaining({ type: 'invalid_request_error' })
    })
    expect((await call('PUT', '/v1/customers')).status).toBe(404)
  })

  test('a parameter that is missing, unknown or wrong, by its name', async () => {
    await expect(twin.stripe.checkout.sessions.create({ mode: 'subscription' })).rejects.toMatchObject({
      statusCode: 400,
      param: 'line_items'
    })
    await expect(twin.stripe.customers.create({ emial: 'x' } as Stripe.CustomerCreateParams)).rejects.toMatchObject({
      code: 'parameter_unknown',
      param: 'emial'
    })
    await expect(twin.stripe.customers.list({ limit: 1000 })).rejects.toMatchObject({ param: 'limit' })
    await expect(twin.stripe.billingPortal.sessions.create({ customer: 'cus_none' })).rejects.toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'customer'
    })
  })
})

describe('lists', () => {
  test('of events come newest first, by page, type and time, for 30 days', async () => {
    const id = await subscribe(twin)
    const since = Math.floor(twin.world.nowMs() / 1000) + 1
    twin.world.advance(5000)
    twin.dialect.control.cancel(id, 'period_end')
    twin.world.advance(5000)
    twin.dialect.control.resume(id)
    const updates = await twin.stripe.events.list({ created: { gte: since }, types: ['customer.subscription.updated'] })
    expect(updates.data.map(({ created }) => created)).toEqual([since + 9, since + 4])
    const all: string[] = []
    for await (const event of twin.stripe.events.list({ limit: 3 })) all.push(event.id)
    expect(all).toEqual(twin.world.sent.map(({ eventId }) => eventId).toReversed())
    const first = await twin.stripe.events.retrieve(all[0] ?? '')
    expect(JSON.stringify(first)).toBe(twin.world.sent.at(-1)?.body)
    twin.world.advance(31 * 86_400_000)
    twin.dialect.runDue()
    expect((await twin.stripe.events.list({ created: { lt: since } })).data).toEqual([])
  })

  test('of prices can be asked for by lookup key, and a key belongs to one price', async () => {
    const wish = {
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' as const },
      product: 'prod_starter',
      lookup_key: 'mine'
    }
    const first = await twin.stripe.prices.create(wish)
    await expect(twin.stripe.prices.create(wish)).rejects.toMatchObject({ param: 'lookup_key' })
    const second = await twin.stripe.prices.create({ ...wish, transfer_lookup_key: true })
    expect((await twin.stripe.prices.list({ lookup_keys: ['mine'] })).data.map(({ id }) => id)).toEqual([second.id])
    expect((await twin.stripe.prices.retrieve(first.id)).lookup_key).toBeNull()
  })
})

describe('what a setup needs', () => {
  test('a webhook endpoint shows its secret when it is made, and never again', async () => {
    const made = await twin.stripe.webhookEndpoints.create({
      url: 'https://parley.test/webhooks/stripe',
      enabled_events: ['invoice.paid'],
      api_version: '2026-10-28.endive'
    })
    expect(made.secret).toMatch(/^whsec_/)
    const changed = await twin.stripe.webhookEndpoints.update(made.id, { enabled_events: ['*'], disabled: true })
    expect(changed).toMatchObject({ status: 'disabled', enabled_events: ['*'] })
    expect(JSON.stringify([changed, await twin.stripe.webhookEndpoints.list()])).not.toContain('whsec_')
  })

  test('a portal configuration keeps its switches as booleans', async () => {
    const made = await twin.stripe.billingPortal.configurations.create({
      features: { invoice_history: { enabled: true }, subscription_cancel: { enabled: false } },
      metadata: { parley: '1' }
    })
    expect(made.features).toMatchObject({ invoice_history: { enabled: true }, subscription_cancel: { enabled: false } })
    const changed = await twin.stripe.billingPortal.configurations.update(made.id, {
      features: { subscription_cancel: { enabled: true } }
    })
    expect(changed.features).toMatchObject({
      invoice_history: { enabled: true },
      subscription_cancel: { enabled: true, mode: 'at_period_end' }
    })
    expect((await twin.stripe.billingPortal.configurations.list({ is_default: true })).data).toEqual([])
  })
})

test('form encoding is read with its lists and objects, and nobody can reach a prototype', () => {
  expect(parseForm('a=1&b[]=x&b[]=y&c[1]=q&c[0]=p&d[e][f]=g%26h&i[0][j]=k')).toEqual({
    a: '1',
    b: ['x', 'y'],
    c: ['p', 'q'],
    d: { e: { f: 'g&h' } },
    i: [{ j: 'k' }]
  })
  parseForm('__proto__[polluted]=yes&constructor[prototype][polluted]=yes')
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test('deliveries are signed so that the SDK accepts them, and retried with growing pauses for three days', () => {
  const body = JSON.stringify({ id: 'evt_1', object: 'event' })
  const headers = twin.dialect.requestHeaders({ body, eventId: 'evt_1', secret: 'whsec_x', nowMs: Date.now() })
  expect(twin.stripe.webhooks.constructEvent(body, headers['stripe-signature'] ?? '', 'whsec_x').id).toBe('evt_1')
  const pauses: number[] = []
  for (
    let attempt = 1, pause = twin.dialect.retryAfterMs(1);
    pause !== null;
    attempt += 1, pause = twin.dialect.retryAfterMs(attempt)
  )
    pauses.push(pause)
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
  const hours = pauses.reduce((sum, pause) => sum + pause, 0) / 3_600_000
  expect(hours).toBeGreaterThan(36)
  expect(hours).toBeLessThanOrEqual(72)
})
