import { verifyWebhook } from '@clerk/backend/webhooks'
import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { signSvix, verifySvix } from '../../src/billing/clerk/svix-signature.ts'
import { type BillingApp, startBillingApp } from './billing-app.ts'
import { bearer, inOrganization, SECRETS } from './test-app.ts'

let server: BillingApp
beforeAll(async () => {
  server = await startBillingApp()
})

/** deletion is a body as Clerk sends it (clerk.com/docs/guides/development/webhooks/overview), whitespace included. */
function deletion(type: 'user.deleted' | 'organization.deleted', id: string, timestamp = Date.now()): string {
  const object = type.split('.')[0]
  const event_attributes = { http_request: { client_ip: '', user_agent: 'clerk/clerk-sdk-go@v2' } }
  return JSON.stringify({ data: { deleted: true, id, object }, event_attributes, instance_id: 'ins_2abc', object: 'event', timestamp, type })
}

function signed(body: string, change: { secret?: string; timestamp?: number; id?: string } = {}): Record<string, string> {
  const { secret = SECRETS.clerkWebhooks, timestamp = Math.floor(Date.now() / 1000), id = 'msg_2abc' } = change
  return { 'svix-id': id, 'svix-timestamp': String(timestamp), 'svix-signature': signSvix(secret, { id, timestamp, body }) }
}

function deliver(body: string, headers = signed(body)) {
  return request(server.app).post('/webhooks/clerk').set({ 'content-type': 'application/json', ...headers }).send(body)
}

describe('a signature of Svix', () => {
  const body = deletion('user.deleted', 'user_signed')
  const verify = (headers: Record<string, string>, secrets = [SECRETS.clerkWebhooks], rawBody = Buffer.from(body)) =>
    verifySvix({ rawBody, headers, nowMs: Date.now() }, secrets)
  const clerkAgrees = (headers: Record<string, string>, text = body) =>
    verifyWebhook(new Request('http://parley.test', { method: 'POST', headers, body: text }), { signingSecret: SECRETS.clerkWebhooks })

  test('is valid for us exactly where Clerk\'s own library takes it', async () => {
    const good = signed(body)
    await expect(clerkAgrees(good)).resolves.toMatchObject({ type: 'user.deleted', data: { id: 'user_signed' } })
    expect(verify(good)).toEqual({ valid: true })
    const other = signed(body, { secret: `whsec_${Buffer.from('another secret').toString('base64')}` })
    const now = Math.floor(Date.now() / 1000)
    const bad = [
      other,
      { ...good, 'svix-id': 'msg_other' },
      { ...good, 'svix-timestamp': String(now + 1) },
      signed(body, { timestamp: now - 400 }),
      signed(body, { timestamp: now + 400 }),
      { ...good, 'svix-signature': good['svix-signature']?.replace('v1,', 'v2,') ?? '' },
      { ...good, 'svix-signature': '' }
    ]
    for (const headers of bad) {
      await expect(clerkAgrees(headers)).rejects.toThrow()
      expect([headers, verify(headers).valid]).toEqual([headers, false])
    }
    const rolled = { ...good, 'svix-signature': `${other['svix-signature']} v1a,abc ${good['svix-signature']}` }
    await expect(clerkAgrees(rolled)).resolves.toBeDefined()
    expect(verify(rolled)).toEqual({ valid: true })
    await expect(clerkAgrees(good, `${body} `)).rejects.toThrow()
    expect(verify(good, [SECRETS.clerkWebhooks], Buffer.from(`${body} `)).valid).toBe(false)
  })

  test('may be by any of several secrets, never by an empty one', () => {
    const other = `whsec_${Buffer.from('another secret').toString('base64')}`
    expect(verify(signed(body), [other, SECRETS.clerkWebhooks])).toEqual({ valid: true })
    for (const empty of ['whsec_', '', 'whsec_=']) {
      expect(verify(signed(body, { secret: empty }), [empty])).toEqual({ valid: false, reason: 'no webhook secret configured' })
    }
  })

  test('is refused in every broken form without an error and without being repeated', () => {
    for (const [name, value] of [
      ['svix-id', ''], ['svix-id', 'a b'], ['svix-timestamp', '12x'], ['svix-timestamp', '-5'], ['svix-timestamp', '0'],
      ['svix-signature', 'v1'], ['svix-signature', `v1,${'A'.repeat(5000)}`], ['svix-signature', 'v1,###']
    ] as const) {
      const verification = verify({ ...signed(body), [name]: value })
      if (verification.valid) throw new Error(`${name}: ${value} is taken`)
      if (value.length > 3) expect(verification.reason).not.toContain(value)
    }
  })
})

test('a delivery that is not verified is answered 401 and leaves no trace; one of another kind is ignored', async () => {
  const refused = await deliver(deletion('user.deleted', 'user_forged'), signed('another body'))
  expect([refused.status, refused.body.code]).toEqual([401, 'webhook_not_verified'])
  const body = JSON.stringify({ data: { id: 'user_new' }, object: 'event', type: 'user.created', timestamp: Date.now() })
  expect((await deliver(body)).body).toEqual({ received: true, outcome: 'ignored' })
  const shapeless = JSON.stringify({ data: {}, object: 'event', type: 'user.deleted', timestamp: Date.now() })
  expect((await deliver(shapeless)).body).toEqual({ received: true, outcome: 'dead' })
  expect((await deliver('[]')).status).toBe(400)
})

test('the end of a user closes the account and ends what it pays for, once', async () => {
  const user = 'user_goes'
  const ask = server.as(user)
  await server.subscribe(user, { plan: 'starter' })
  const body = deletion('user.deleted', user)
  expect((await deliver(body)).body).toEqual({ received: true, outcome: 'processed' })
  expect((await deliver(body)).body).toEqual({ received: true, outcome: 'duplicate' })
  const buys = await ask('post', '/api/billing/checkout', { plan: 'growth', interval: 'month' })
  expect([buys.status, buys.body.code]).toEqual([403, 'account_closed'])
  await server.parts.runJobsOnce()
  const { body: after } = await ask('get', '/api/billing/subscription')
  expect(after).toMatchObject({ plan: 'free', status: 'canceled', closedAt: expect.any(String) })
  expect(server.twin.dialect('stripe').subscriptions().filter(({ accountId }) => accountId === user)).toMatchObject([{ status: 'canceled' }])
})

test('the end of an organization closes its account and not those of its members', async () => {
  const options = inOrganization('org_goes')
  await request(server.app).get('/api/me').set(await bearer('user_stays', options))
  await deliver(deletion('organization.deleted', 'org_goes'))
  const closed = await server.as('user_stays', options)('get', '/api/billing/subscription')
  expect(closed.body.closedAt).not.toBeNull()
  expect((await server.as('user_stays')('get', '/api/billing/subscription')).body.closedAt).toBeNull()
})
