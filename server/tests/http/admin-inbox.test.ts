import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import request from 'supertest'
import { buildEvent, signatureHeader } from '../../../scripts/webhook/delivery.ts'
import { type InboxDetail, inboxDetailSchema, inboxEventSchema } from '../../src/contract/admin.ts'
import { pageOf } from '../../src/contract/page.ts'
import { retryWebhooks } from '../../src/jobs/retry-webhooks.ts'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { bearer, SECRETS, startTestApp, type TestApp } from './test-app.ts'

describe.each(transports)('the inbox over %s:', (transport) => {
  let server: TestApp
  let owner: Client
  beforeAll(async () => {
    server = await startTestApp({ transport })
    owner = await server.database.connect()
  })

  const operator = () => bearer('user_op', { claims: { metadata: { role: 'operator' } } })
  const get = async (path: string) => request(server.app).get(`/api/admin/inbox${path}`).set(await operator())
  const act = async (eventId: string, action: 'replay' | 'discard', body: object = { reason: 'Fixed, INC-42' }) =>
    request(server.app).post(`/api/admin/inbox/stripe/${eventId}/${action}`).set(await operator()).send(body)
  const read = async (eventId: string): Promise<InboxDetail> => inboxDetailSchema.parse((await get(`/stripe/${eventId}`)).body)
  const planOf = async (accountId: string): Promise<unknown> =>
    (await request(server.app).get('/api/me').set(await bearer(accountId))).body.account.plan

  /** bodyOf is a subscription on a price that nobody knows until {@link makeKnown}. */
  const bodyOf = (name: string): string =>
    JSON.stringify(
      buildEvent('stripe', {
        event: 'updated',
        eventId: `evt_${name}`,
        occurredAt: new Date(),
        accountId: `user_${name}`,
        customerId: `cus_${name}`,
        subscriptionId: `sub_${name}`,
        priceId: `price_${name}`,
        interval: 'month',
        periodStart: new Date('2026-11-01T09:00:00Z'),
        periodEnd: new Date('2026-12-01T09:00:00Z'),
        amountMinor: 1900,
        shape: 'current'
      }),
      null,
      2
    )
  const deliver = (body: string, signature = signatureHeader('stripe', body, SECRETS.stripe, new Date())) =>
    request(server.app).post('/webhooks/stripe').set({ 'Content-Type': 'application/json', ...signature }).send(body)
  // By hand, because upsert_price would wake the delivery.
  const makeKnown = (name: string) =>
    owner.query(
      `insert into app.processor_prices (processor, price_id, plan, billing_interval) values ('stripe', $1, 'growth', 'month')`,
      [`price_${name}`]
    )
  const giveUp = (name: string) =>
    owner.query(`update app.webhook_events set status = 'dead', attempts = 10, next_attempt_at = null where id = $1`, [`evt_${name}`])
  const effectsOf = async (name: string): Promise<unknown> =>
    (await owner.query('select count(*)::int as events from app.subscription_events where event_id = $1', [`evt_${name}`])).rows[0]

  test('a delivery shows its error and its body as it was received, and neither signature nor secret', async () => {
    const body = bodyOf('shown')
    const headers = signatureHeader('stripe', body, SECRETS.stripe, new Date())
    await deliver(body, headers)
    const answer = await get('/stripe/evt_shown')
    const lastError: unknown = expect.stringMatching(/^PY412 /)
    expect(inboxDetailSchema.parse(answer.body)).toMatchObject({ status: 'failed', attempts: 1, deliveries: 1, lastError, payload: body, actions: [] })
    const signature = /v1=(\w+)/.exec(headers['stripe-signature'] ?? '')?.[1] ?? 'missing'
    for (const secret of [SECRETS.stripe, signature]) expect(answer.text).not.toContain(secret)
  })

  test('the list is the newest first, page by page, and filtered', async () => {
    for (const name of ['list_1', 'list_2', 'list_3']) await deliver(bodyOf(name))
    await giveUp('list_2')
    const page = async (query: string) => pageOf(inboxEventSchema).parse((await get(`?${query}`)).body)
    const first = await page('limit=2')
    const second = await page(`limit=2&cursor=${first.nextCursor}`)
    expect([...first.data, ...second.data].slice(0, 3).map(({ eventId }) => eventId)).toEqual(['evt_list_3', 'evt_list_2', 'evt_list_1'])
    expect((await page('status=dead')).data.map(({ eventId }) => eventId)).toEqual(['evt_list_2'])
    expect((await page('accountId=user_list_1')).data.map(({ eventId }) => eventId)).toEqual(['evt_list_1'])
    expect((await page('processor=paddle')).data).toEqual([])
    expect((await get('')).text).not.toContain('payload')
  })

  test('replayed twice at the same time, and tried by two workers, a delivery applies once; then it is refused with 409', async () => {
    await deliver(bodyOf('twice'))
    await giveUp('twice')
    await makeKnown('twice')
    const woken = server.webhookRetries()
    const answers = await Promise.all(['by one', 'by the other'].map((reason) => act('evt_twice', 'replay', { reason })))
    expect(answers.map(({ status, body }) => [status, body])).toEqual([[200, { status: 'failed' }], [200, { status: 'failed' }]])
    expect(server.webhookRetries()).toBe(woken + 2)
    await Promise.all([retryWebhooks(server.parts), retryWebhooks(server.parts), act('evt_twice', 'replay')])
    await retryWebhooks(server.parts)
    expect([await planOf('user_twice'), await effectsOf('twice')]).toEqual(['growth', { events: 1 }])

    const refused = await act('evt_twice', 'replay')
    expect([refused.status, refused.body.code]).toEqual([409, 'already_applied'])
    expect((await act('evt_twice', 'discard')).status).toBe(409)
    const { status, actions } = await read('evt_twice')
    expect(status).toBe('processed')
    expect(actions).toContainEqual({ operatorId: 'user_op', action: 'replay', reason: 'by one', at: expect.any(String) })
    expect(actions.filter(({ reason }) => reason.startsWith('by '))).toHaveLength(2)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a discarded delivery stays without effect, however often it is delivered again, until it is replayed', async () => {
    const body = bodyOf('gone')
    await deliver(body)
    await makeKnown('gone')
    expect((await act('evt_gone', 'discard', { reason: '  Of another product  ' })).body).toEqual({ status: 'discarded' })
    await owner.query(`update app.environment set kind = 'sandbox', clock_offset = interval '1 day'`)
    await retryWebhooks(server.parts)
    const again = await deliver(body)
    expect([again.status, again.body]).toEqual([200, { received: true, outcome: 'duplicate' }])
    await retryWebhooks(server.parts)
    expect([await planOf('user_gone'), await effectsOf('gone')]).toEqual(['free', { events: 0 }])
    const actions = [{ action: 'discard', reason: 'Of another product' }]
    expect(await read('evt_gone')).toMatchObject({ status: 'discarded', deliveries: 2, nextAttemptAt: null, actions })
    expect(await brokenInvariants(owner)).toEqual([])

    expect((await act('evt_gone', 'replay')).body).toEqual({ status: 'failed' })
    await retryWebhooks(server.parts)
    expect([await planOf('user_gone'), await effectsOf('gone')]).toEqual(['growth', { events: 1 }])
    expect((await read('evt_gone')).actions.map(({ action }) => action)).toEqual(['replay', 'discard'])
  })

  test('discarded while a worker applies it, a delivery has its effect and is refused, or has none and is discarded', async () => {
    for (let round = 0; round < 5; round += 1) {
      const name = `race_${round}`
      await deliver(bodyOf(name))
      await makeKnown(name)
      await owner.query(`update app.webhook_events set next_attempt_at = app.clock() where id = $1`, [`evt_${name}`])
      const [answer] = await Promise.all([act(`evt_${name}`, 'discard'), retryWebhooks(server.parts)])
      const { status } = await read(`evt_${name}`)
      expect([answer.status, status, await effectsOf(name)]).toEqual(
        answer.status === 200 ? [200, 'discarded', { events: 0 }] : [409, 'processed', { events: 1 }])
    }
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test.each([
    ['none', {}, 'reason'],
    ['a short one', { reason: ' x ' }, 'reason'],
    ['a long one', { reason: 'x'.repeat(501) }, 'reason'],
    ['a number', { reason: 12345 }, 'reason'],
    ['another field', { reason: 'because', why: 'x' }, 'why']
  ])('with %s as reason both are a 400 that names the field, and nothing changes', async (_what, body, field) => {
    const before = await read('evt_shown')
    for (const action of ['replay', 'discard'] as const) {
      const answer = await act('evt_shown', action, body)
      expect([answer.status, answer.body.errors]).toEqual([400, [{ field, problem: expect.any(String) }]])
    }
    expect(await read('evt_shown')).toEqual(before)
  })

  test('what is not there is 404', async () => {
    expect((await get('/paddle/evt_shown')).status).toBe(404)
    for (const action of ['replay', 'discard'] as const) expect((await act('evt_nobody', action)).status).toBe(404)
  })
})
