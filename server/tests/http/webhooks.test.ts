import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import request from 'supertest'
import { buildEvent, signatureHeader, type WebhookProcessor } from '../../../scripts/webhook/delivery.ts'
import { addInterval, type Scenario } from '../../../scripts/webhook/scenario.ts'
import type { BillingEvent } from '../../src/billing/billing-event.ts'
import type { Processor } from '../../src/billing/processor.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { DatabaseUnavailable } from '../../src/db/database.ts'
import { retryWebhooks } from '../../src/jobs/retry-webhooks.ts'
import { transports } from '../support/database.ts'
import { bearer, SECRETS, startTestApp, type TestApp } from './test-app.ts'

const start = new Date(Date.UTC(2026, 10, 1, 9))
let number = 0

function scenario(processor: WebhookProcessor, change: Partial<Scenario>): Scenario {
  number += 1
  return {
    event: 'created',
    eventId: `evt_${number}`,
    occurredAt: new Date(),
    accountId: `user_${processor}_${number}`,
    customerId: `cus_${number}`,
    subscriptionId: `sub_${number}`,
    priceId: processor === 'stripe' ? 'price_starter_monthly' : 'pri_starter_monthly',
    interval: 'month',
    periodStart: start,
    periodEnd: addInterval(start, 'month'),
    amountMinor: 1900,
    shape: 'current',
    ...change
  }
}

const bodyOf = (processor: WebhookProcessor, change: Partial<Scenario>): string =>
  JSON.stringify(buildEvent(processor, scenario(processor, change)))

function deliver(server: TestApp, processor: WebhookProcessor, body: string | Buffer, headers?: Record<string, string>) {
  const signed = headers ?? signatureHeader(processor, body, SECRETS[processor], new Date())
  // supertest would write a Buffer as JSON under any other type.
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
  return request(server.app).post(`/webhooks/${processor}`).set({ 'Content-Type': type, ...signed }).send(body)
}

const owners = new WeakMap<TestApp, Client>()

async function inbox(server: TestApp): Promise<{ id: string; status: string; deliveries: number }[]> {
  const client = owners.get(server) ?? (await server.database.connect())
  owners.set(server, client)
  return (await client.query('select id, status, deliveries from app.webhook_events order by created_at')).rows
}

describe.each(transports)('webhooks over %s', (transport) => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp({ transport })
  })

  test.each(['stripe', 'paddle'] as const)('of %s change the plan once, however often they are delivered', async (processor) => {
    const accountId = `user_upgrade_${processor}`
    const body = bodyOf(processor, { accountId, event: 'updated' })
    const outcomes: unknown[] = []
    for (let time = 0; time < 3; time += 1) {
      const answer = await deliver(server, processor, body)
      expect(answer.status).toBe(200)
      outcomes.push(answer.body)
    }
    expect(outcomes).toEqual([
      { received: true, outcome: 'processed' },
      { received: true, outcome: 'duplicate' },
      { received: true, outcome: 'duplicate' }
    ])
    const me = await request(server.app).get('/api/me').set(await bearer(accountId))
    expect(me.body.account).toMatchObject({ plan: 'starter', status: 'active', processor })
  })

  test('of a type nobody asked for are stored as ignored', async () => {
    const body = JSON.stringify({ id: 'evt_ignored', object: 'event', type: 'charge.updated', created: 1_790_000_000, data: { object: {} } })
    const answer = await deliver(server, 'stripe', body)
    expect(answer.body).toEqual({ received: true, outcome: 'ignored' })
    expect(await inbox(server)).toContainEqual({ id: 'evt_ignored', status: 'ignored', deliveries: 1 })
  })

  test('that come before their account is known wait, and pass when the link has woken the retries', async () => {
    const known = scenario('stripe', { event: 'updated', accountId: 'user_linked_later' })
    const { metadata: _metadata, ...object } = Object(buildEvent('stripe', known)['data']).object
    const nameless = JSON.stringify({ ...buildEvent('stripe', known), data: { object } })
    expect((await deliver(server, 'stripe', nameless)).body).toMatchObject({ outcome: 'failed' })

    const before = server.webhookRetries()
    const checkout = JSON.stringify(buildEvent('stripe', { ...known, event: 'checkout', eventId: 'evt_checkout' }))
    expect((await deliver(server, 'stripe', checkout)).body).toMatchObject({ outcome: 'processed' })
    expect(server.webhookRetries()).toBe(before + 1)

    await retryWebhooks(server.parts)
    expect(await inbox(server)).toContainEqual({ id: known.eventId, status: 'processed', deliveries: 1 })
    expect((await request(server.app).get('/api/me').set(await bearer('user_linked_later'))).body.account.plan).toBe('starter')
  })

  test('whose effect fails are kept, answered 200, and pass once the cause is gone', async () => {
    const body = bodyOf('stripe', { event: 'updated', eventId: 'evt_price', accountId: 'user_price', priceId: 'price_new' })
    expect((await deliver(server, 'stripe', body)).body).toEqual({ received: true, outcome: 'failed' })
    const client = await server.database.connect()
    await client.query(`select api.upsert_price('stripe', 'price_new', 'growth', 'month')`)
    await client.query(`select api.replay_webhook_event('stripe', 'evt_price')`)
    await retryWebhooks(server.parts)
    expect((await request(server.app).get('/api/me').set(await bearer('user_price'))).body.account.plan).toBe('growth')
  })
})

describe('a delivery', () => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp()
  })
  const body = bodyOf('stripe', { event: 'updated' })
  const now = Date.now()
  const signedAt = (milliseconds: number, secret = SECRETS.stripe): Record<string, string> =>
    signatureHeader('stripe', body, secret, new Date(milliseconds))

  test.each([
    ['without a signature', {}],
    ['with a signature of another secret', signedAt(now, 'whsec_another')],
    ['signed too long ago', signedAt(now - 3_600_000)],
    ['signed in the future', signedAt(now + 3_600_000)],
    ['with a signature of another body', signatureHeader('stripe', '{}', SECRETS.stripe, new Date(now))]
  ])('%s is refused with 401 and not stored', async (_what, headers) => {
    const answer = await deliver(server, 'stripe', body, headers)
    expect([answer.status, answer.body.code]).toEqual([401, 'webhook_not_verified'])
    expect(await inbox(server)).toEqual([])
  })

  test.each([
    ['of nothing', ''],
    ['of something else than JSON', 'event=1'],
    ['of no object', '[]'],
    ['of no event', '{}'],
    ['of bytes that are not UTF-8', Buffer.from('{"id":"evt_bytes","object":"event","type":"charge.updated","created":1790000000,"data":{"object":{"note":"\xff"}}}', 'latin1')],
    ['nested a hundred thousand levels deep', '['.repeat(100_000)]
  ])('%s, though signed, is refused with 400 and not stored', async (_what, sent) => {
    const answer = await deliver(server, 'stripe', sent)
    expect([answer.status, answer.body.code]).toEqual([400, 'webhook_unreadable'])
    expect(await inbox(server)).toEqual([])
  })

  test('of more than 1 MB is refused with 413, unsigned or not', async () => {
    const answer = await deliver(server, 'stripe', Buffer.alloc(2 * 1024 * 1024, 'x'))
    expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large'])
  })

  test('that is compressed is refused with 415, because the signature is over raw bytes', async () => {
    const packed = gzipSync(body)
    const answer = await deliver(server, 'stripe', packed, {
      ...signatureHeader('stripe', packed, SECRETS.stripe, new Date()),
      'Content-Encoding': 'gzip'
    })
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type'])
  })

  test('of a processor that is not configured finds nothing', async () => {
    const answer = await request(server.app).post('/webhooks/nobody').send('{}')
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
  })

  test('leaves neither secret nor signature in the log or the answer', async () => {
    const headers = signedAt(now, 'whsec_another')
    const answer = await deliver(server, 'stripe', body, headers)
    const signature = /v1=(\w+)/.exec(headers['stripe-signature'] ?? '')?.[1] ?? 'missing'
    for (const text of [server.log.join(''), answer.text]) {
      for (const secret of [SECRETS.stripe, SECRETS.paddle, signature]) expect(text).not.toContain(secret)
    }
  })

  test('is to be delivered again when the database is away', async () => {
    const away = { rpc: () => Promise.reject(new DatabaseUnavailable('down')), close: () => Promise.resolve() }
    const broken = await startTestApp({ parts: { db: away } })
    const answer = await deliver(broken, 'stripe', body)
    expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([503, 'service_unavailable', '1'])
    expect(await broken.parts.metrics.registry.metrics()).toContain('webhook_events_total{processor="stripe",outcome="unavailable"} 1')
  })
})

test('two states of the same instant are settled by asking the processor', async () => {
  const asked: string[] = []
  const settled: { promise: Promise<void>; done?: () => void } = { promise: Promise.resolve() }
  settled.promise = new Promise((resolve) => {
    settled.done = resolve
  })
  const stripe = createStripe({ webhookSecrets: [SECRETS.stripe], apiKey: null })
  const occurredAt = new Date()
  const shared = { event: 'updated', accountId: 'user_tie', subscriptionId: 'sub_tie', customerId: 'cus_tie', occurredAt } as const
  const { api } = createStripe({ webhookSecrets: [], apiKey: 'sk_test_never_asked' })
  if (api === null) throw new Error('A Stripe processor with a key has calls.')
  const fetchSubscription = (subscriptionId: string): Promise<BillingEvent> => {
    asked.push(subscriptionId)
    const normalised = stripe.normalise(bodyOf('stripe', { ...shared, priceId: 'price_growth_monthly', occurredAt: new Date(occurredAt.getTime() + 5_000) }))
    if (normalised.outcome !== 'event') throw new Error('not an event')
    const event: BillingEvent = { ...normalised.event, eventId: 'fetch:sub_tie', eventType: 'fetched' }
    settled.done?.()
    return Promise.resolve(event)
  }
  const askable: Processor = { ...stripe, api: { ...api, fetchSubscription } }
  const tied = await startTestApp({ parts: { processors: [askable] } })
  await deliver(tied, 'stripe', bodyOf('stripe', { ...shared, eventId: 'evt_tie_a', priceId: 'price_starter_monthly' }))
  await deliver(tied, 'stripe', bodyOf('stripe', { ...shared, eventId: 'evt_tie_b', priceId: 'price_growth_monthly' }))
  await settled.promise
  expect(asked).toEqual(['sub_tie'])
  // The answer to the processor does not wait for it.
  while (!(await inbox(tied)).some(({ id, status }) => id === 'fetch:sub_tie' && status === 'processed')) await setImmediate()
})
