import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import request from 'supertest'
import { buildEvent, signatureHeader } from '../../../scripts/webhook/delivery.ts'
import type { Payload, Scenario } from '../../../scripts/webhook/scenario.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { retryWebhooks } from '../../src/jobs/retry-webhooks.ts'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { patched } from '../support/processors/scenario.ts'
import { bearer, SECRETS, startTestApp, type TestApp } from './test-app.ts'

const NEW_SECRETS = { stripe: 'whsec_after_the_rotation', paddle: 'pdl_ntfset_after_the_rotation' }
const FIRST = { periodStart: new Date('2026-10-10T09:00:00Z'), periodEnd: new Date('2026-11-10T09:00:00Z') }
const SECOND = { periodStart: new Date('2026-11-10T09:00:00Z'), periodEnd: new Date('2026-12-10T09:00:00Z') }
const NAMED = { stripe: 'data.object.metadata', paddle: 'data.custom_data' }

const processors = ['stripe', 'paddle'] as const
const cases = transports.flatMap((transport) => processors.map((processor) => ({ transport, processor })))

describe.each(cases)('$processor over $transport:', ({ transport, processor }) => {
  let server: TestApp
  let owner: Client

  beforeAll(async () => {
    const environment = {
      STRIPE_WEBHOOK_SECRET: `${SECRETS.stripe},${NEW_SECRETS.stripe}`,
      PADDLE_WEBHOOK_SECRET: `${SECRETS.paddle},${NEW_SECRETS.paddle}`
    }
    server = await startTestApp({ transport, environment })
    owner = await server.database.connect()
    await standAt('2026-10-20T00:00:00Z')
  })

  const standAt = (time: string): Promise<unknown> => owner.query('update app.environment set clock_offset = $1::timestamptz - now()', [time])

  const payloadOf = (change: Partial<Scenario> & { accountId: string; eventId: string }, plan = 'starter'): Payload =>
    buildEvent(processor, {
      event: 'updated',
      occurredAt: change.periodStart ?? FIRST.periodStart,
      customerId: `cus_${change.accountId}`,
      subscriptionId: `sub_${change.accountId}`,
      priceId: `${processor === 'stripe' ? 'price' : 'pri'}_${plan}_monthly`,
      interval: 'month',
      ...FIRST,
      amountMinor: 1900,
      shape: 'current',
      ...change
    })

  const signed = (body: string | Buffer, secret: string = SECRETS[processor], sentAt = new Date()): Record<string, string> =>
    signatureHeader(processor, body, secret, sentAt)

  function deliver(body: Payload | string | Buffer, headers?: Record<string, string>) {
    const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    // supertest would write a Buffer as JSON under any other type.
    const type = Buffer.isBuffer(raw) ? 'application/octet-stream' : 'application/json'
    return request(server.app)
      .post(`/webhooks/${processor}`)
      .set({ 'Content-Type': type, ...(headers ?? signed(raw)) })
      .send(raw)
  }

  /** reads is what the account's own pages show: its plan, and the usage by metric. */
  async function reads(accountId: string): Promise<{ account: Payload; usage: Map<string, Payload> }> {
    const session = await bearer(accountId)
    const me = await request(server.app).get('/api/me').set(session)
    const usage = await request(server.app).get('/api/usage').set(session)
    return { account: me.body.account, usage: new Map(usage.body.metrics.map((one: Payload) => [one['metric'], one])) }
  }

  const stored = async (eventId: string): Promise<unknown[]> =>
    (await owner.query('select status, last_error, deliveries from app.webhook_events where id = $1', [eventId])).rows

  const outcomes = async (answers: request.Test[]): Promise<unknown[]> =>
    (await Promise.all(answers)).map(({ status, body }) => `${status} ${body.outcome}`).toSorted()

  test('three deliveries of an event at once are answered 200, and leave one event and one window', async () => {
    const paid = payloadOf({ accountId: 'user_three', eventId: 'evt_three', event: 'paid' })
    expect(await outcomes([deliver(paid), deliver(paid), deliver(paid)])).toEqual([
      '200 duplicate',
      '200 duplicate',
      '200 processed'
    ])
    const { rows } = await owner.query(
      `select (select count(*)::int from app.subscription_events where event_id = 'evt_three') as events,
              (select count(*)::int from app.windows where account_id = 'user_three') as windows`
    )
    expect(rows).toEqual([{ events: 1, windows: 1 }])
    expect(await stored('evt_three')).toEqual([{ status: 'processed', last_error: null, deliveries: 3 }])
  })

  test('a payment on a full free plan opens the new quota with 0 used', async () => {
    const accountId = 'user_full'
    await standAt('2026-10-20T00:00:00Z')
    await checkAndIncrementUsage(server.parts.db, { accountId, metric: 'messages', amount: 100 })
    expect((await reads(accountId)).usage.get('messages')).toMatchObject({ used: 100, quota: 100, remaining: 0 })
    const now = { periodStart: new Date('2026-10-20T00:00:00Z'), periodEnd: new Date('2026-11-20T00:00:00Z') }
    expect((await deliver(payloadOf({ accountId, eventId: 'evt_full', event: 'paid', ...now }))).body.outcome).toBe('processed')
    const { account, usage } = await reads(accountId)
    expect(account).toMatchObject({ plan: 'starter', status: 'active', windowStart: '2026-10-20T00:00:00.000Z' })
    expect(usage.get('messages')).toMatchObject({ used: 0, quota: 2000, remaining: 2000 })
  })

  test('a renewal sets the messages to 0 and keeps the chatbots, and an older event after it changes nothing', async () => {
    const accountId = 'user_renewed'
    await standAt('2026-10-20T00:00:00Z')
    const upgrade = payloadOf({ accountId, eventId: 'evt_start' })
    await deliver(upgrade)
    await checkAndIncrementUsage(server.parts.db, { accountId, metric: 'messages', amount: 1500 })
    for (const name of ['one', 'two']) await request(server.app).post('/api/chatbots').set(await bearer(accountId)).send({ name })

    await standAt('2026-11-12T00:00:00Z')
    await deliver(payloadOf({ accountId, eventId: 'evt_renewed', event: 'renewed', ...SECOND }))
    await deliver(payloadOf({ accountId, eventId: 'evt_paid', event: 'paid', ...SECOND, occurredAt: new Date('2026-11-10T10:00:00Z') }))
    const renewed = await reads(accountId)
    expect(renewed.account).toMatchObject({ plan: 'starter', windowStart: '2026-11-10T09:00:00.000Z', windowEnd: '2026-12-10T09:00:00.000Z' })
    expect(renewed.usage.get('messages')).toMatchObject({ used: 0, quota: 2000 })
    expect(renewed.usage.get('chatbots')).toMatchObject({ used: 2, quota: 3 })

    const late = new Date('2026-10-30T00:00:00Z')
    const older = [
      payloadOf({ accountId, eventId: 'evt_old_plan', occurredAt: late }, 'growth'),
      payloadOf({ accountId, eventId: 'evt_old_due', event: 'past_due', occurredAt: late }),
      payloadOf({ accountId, eventId: 'evt_old_paid', event: 'paid', occurredAt: late })
    ]
    for (const event of older) expect((await deliver(event)).body).toEqual({ received: true, outcome: 'stale' })
    expect(await reads(accountId)).toEqual(renewed)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an event of an unknown customer is answered 200 and kept as failed; the worker applies it after the link', async () => {
    const accountId = 'user_late'
    await standAt('2026-10-20T00:00:00Z')
    const nameless = patched(payloadOf({ accountId, eventId: 'evt_late' }), NAMED[processor], null)
    const answer = await deliver(nameless)
    expect([answer.status, answer.body]).toEqual([200, { received: true, outcome: 'failed' }])
    expect(await stored('evt_late')).toEqual([{ status: 'failed', last_error: expect.stringMatching(/^PY413 /), deliveries: 1 }])

    await retryWebhooks(server.parts)
    expect((await reads(accountId)).account).toMatchObject({ plan: 'free', status: 'none' })
    const before = server.webhookRetries()
    await deliver(payloadOf({ accountId, eventId: 'evt_late_checkout', event: 'checkout' }))
    expect(server.webhookRetries()).toBe(before + 1)
    await retryWebhooks(server.parts)
    expect((await reads(accountId)).account).toMatchObject({ plan: 'starter', status: 'active', processor })
    expect(await stored('evt_late')).toEqual([{ status: 'processed', last_error: null, deliveries: 1 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('while its secrets are rotated, deliveries signed with either one are taken in', async () => {
    for (const secret of [SECRETS[processor], NEW_SECRETS[processor]]) {
      const body = JSON.stringify(payloadOf({ accountId: 'user_rotated', eventId: `evt_rotated_${secret.length}` }))
      expect((await deliver(body, signed(body, secret))).status).toBe(200)
    }
  })

  describe('what is not from it or not readable is refused, and nothing of it is stored:', () => {
    const hour = 3_600_000
    const body = JSON.stringify(payloadOf({ accountId: 'user_refused', eventId: 'evt_refused' }))
    const marked = (filler: string): string => body.replace('"user_refused"', `"user_refused","note":"${filler}"`)
    const badUtf8 = Buffer.from(marked('\u00ff'), 'latin1')
    const packed = gzipSync(body)
    const large = Buffer.from(marked('x'.repeat(2 * 1024 * 1024)))

    test.each([
      { what: 'no signature', sent: body, headers: () => ({}), expected: [401, 'webhook_not_verified'] },
      { what: 'an unreadable signature', sent: body, headers: () => ({ 'stripe-signature': 't=,v1=', 'paddle-signature': 'ts=;h1=' }), expected: [401, 'webhook_not_verified'] },
      { what: 'a signature of another secret', sent: body, headers: () => signed(body, 'whsec_of_somebody'), expected: [401, 'webhook_not_verified'] },
      { what: 'a signature of another body', sent: body, headers: () => signed(`${body} `), expected: [401, 'webhook_not_verified'] },
      { what: 'an expired signature', sent: body, headers: () => signed(body, SECRETS[processor], new Date(Date.now() - hour)), expected: [401, 'webhook_not_verified'] },
      { what: 'a signature of the future', sent: body, headers: () => signed(body, SECRETS[processor], new Date(Date.now() + hour)), expected: [401, 'webhook_not_verified'] },
      { what: 'no bytes', sent: '', headers: () => signed(''), expected: [400, 'webhook_unreadable'] },
      { what: '2 MB', sent: large, headers: () => signed(large), expected: [413, 'payload_too_large'] },
      { what: 'gzip', sent: packed, headers: () => ({ ...signed(packed), 'Content-Encoding': 'gzip' }), expected: [415, 'unsupported_media_type'] },
      { what: 'bytes that are not UTF-8', sent: badUtf8, headers: () => signed(badUtf8), expected: [400, 'webhook_unreadable'] }
    ])('$what', async ({ sent, headers, expected }) => {
      const answer = await deliver(sent, headers())
      expect([answer.status, answer.body.code]).toEqual(expected)
      expect(answer.headers['content-type']).toContain('application/problem+json')
      expect(await stored('evt_refused')).toEqual([])
    })

    test('nothing but 100,000 levels of depth', async () => {
      const depth = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
      const answer = await deliver(depth)
      expect([answer.status, answer.body.code]).toEqual([400, 'webhook_unreadable'])
    })
  })

  test('an event with 100,000 levels of depth in a field nobody reads is taken in like any other', async () => {
    const body = JSON.stringify(payloadOf({ accountId: 'user_deep', eventId: 'evt_deep' }))
    const deep = body.replace('"user_deep"', `"user_deep","note":${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    expect((await deliver(deep)).body).toEqual({ received: true, outcome: 'processed' })
    expect(await stored('evt_deep')).toEqual([{ status: 'processed', last_error: null, deliveries: 1 }])
  })
})
