import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { encodeCursor } from '../../src/http/page.ts'
import { transports } from '../support/database.ts'
import { bearer, inOrganization, startTestApp, type TestApp } from './test-app.ts'

describe.each(transports)('chatbots over %s', (transport) => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp({ transport })
  })

  const create = async (user: string, body: object, headers: Record<string, string> = {}) =>
    request(server.app)
      .post('/api/chatbots')
      .set({ ...(await bearer(user)), ...headers })
      .send(body)
  const setPlan = async (account: string, plan: string): Promise<void> => {
    const client = await server.database.connect()
    await client.query('select api.read_account($1)', [account])
    await client.query('update app.accounts set plan = $2 where account_id = $1', [account, plan])
  }

  test('are created, read, changed and deleted', async () => {
    const user = 'user_crud'
    const created = await create(user, { name: '  Helpdesk ', instructions: 'Be kind.', model: 'small' })
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({ name: 'Helpdesk', instructions: 'Be kind.', welcomeMessage: '', model: 'small', documentCount: 0 })
    expect(created.body.createdAt).toMatch(/^\d{4}-.*Z$/)
    const path = `/api/chatbots/${created.body.chatbotId}`
    expect(created.headers['location']).toBe(path)

    expect((await request(server.app).get(path).set(await bearer(user))).body).toEqual(created.body)
    const changed = await request(server.app).patch(path).set(await bearer(user)).send({ welcomeMessage: 'Hi', model: null })
    expect(changed.body).toMatchObject({ name: 'Helpdesk', instructions: 'Be kind.', welcomeMessage: 'Hi', model: null })

    expect((await request(server.app).delete(path).set(await bearer(user))).status).toBe(204)
    for (const again of [request(server.app).get(path), request(server.app).delete(path), request(server.app).patch(path).send({ name: 'x' })]) {
      const answer = await again.set(await bearer(user))
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
    }
  })

  test('beyond the quota are refused with numbers and ways out; deleting one makes room at once', async () => {
    const user = 'user_quota'
    const first = await create(user, { name: 'one' })
    const refused = await create(user, { name: 'two' })
    expect(refused.status).toBe(402)
    expect(refused.headers['content-type']).toContain('application/problem+json')
    expect(refused.body).toMatchObject({
      type: '/docs/problems#quota_exceeded',
      status: 402,
      code: 'quota_exceeded',
      detail: 'Limit reached: 1 of 1 chatbots are used on the free plan. Delete some or upgrade the plan.',
      limit: { metric: 'chatbots', used: 1, quota: 1, remaining: 0, resetsAt: null, requested: 1 },
      resolutions: [{ action: 'upgrade' }, { action: 'delete', metric: 'chatbots', count: 1 }],
      instance: '/api/chatbots',
      requestId: refused.headers['x-request-id']
    })
    await request(server.app).delete(first.headers['location'] ?? '').set(await bearer(user))
    expect((await create(user, { name: 'two' })).status).toBe(201)
  })

  test('of another account are not there', async () => {
    const created = await create('user_owner', { name: 'private' })
    const path = created.headers['location'] ?? ''
    const strangers = [await bearer('user_stranger'), await bearer('user_owner', inOrganization('org_other'))]
    for (const stranger of strangers) {
      expect((await request(server.app).get(path).set(stranger)).status).toBe(404)
      expect((await request(server.app).patch(path).set(stranger).send({ name: 'mine' })).status).toBe(404)
      expect((await request(server.app).delete(path).set(stranger)).status).toBe(404)
      expect((await request(server.app).get('/api/chatbots').set(stranger)).body).toEqual({ data: [], nextCursor: null })
    }
    expect((await request(server.app).get(path).set(await bearer('user_owner'))).body.name).toBe('private')
  })

  test('are listed the newest first, page by page, each once', async () => {
    const user = 'user_pages'
    await setPlan(user, 'growth')
    for (let number = 1; number <= 5; number += 1) await create(user, { name: `bot ${number}` })
    const names: string[] = []
    const sizes: number[] = []
    let query = '?limit=2'
    for (let page = 0; page < 5 && query !== ''; page += 1) {
      const { body } = await request(server.app).get(`/api/chatbots${query}`).set(await bearer(user))
      names.push(...body.data.map(({ name }: { name: string }) => name))
      sizes.push(body.data.length)
      query = body.nextCursor === null ? '' : `?limit=2&cursor=${body.nextCursor}`
    }
    expect(names).toEqual(['bot 5', 'bot 4', 'bot 3', 'bot 2', 'bot 1'])
    expect(sizes).toEqual([2, 2, 1])
  })

  test('are created once per Idempotency-Key, quoted or bare', async () => {
    const user = 'user_replay'
    const first = await create(user, { name: 'once' }, { 'Idempotency-Key': 'key-1' })
    const second = await create(user, { name: 'once' }, { 'Idempotency-Key': '"key-1"' })
    expect(first.headers['idempotent-replayed']).toBeUndefined()
    expect(second.status).toBe(201)
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(second.body).toEqual(first.body)

    const other = await create(user, { name: 'other' }, { 'Idempotency-Key': 'key-1' })
    expect([other.status, other.body.code]).toEqual([422, 'request_id_reused'])
  })

  test('are created once by 10 requests at a time with one Idempotency-Key', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create('user_parallel', { name: 'once' }, { 'Idempotency-Key': 'k' })))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201))
    expect(new Set(answers.map(({ body }) => body.chatbotId)).size).toBe(1)
  })

  test.each([
    ['no body', undefined, ''],
    ['no name', {}, 'name'],
    ['a blank name', { name: '   ' }, 'name'],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, 'name'],
    ['a name that is a number', { name: 5 }, 'name'],
    ['a misspelt field', { name: 'x', welcome: 'hi' }, 'welcome'],
    ['too long instructions', { name: 'x', instructions: 'x'.repeat(8001) }, 'instructions'],
    ['too long a welcome message', { name: 'x', welcomeMessage: 'x'.repeat(501) }, 'welcomeMessage'],
    ['text Postgres cannot hold', { name: 'a\0b' }, 'name'],
    ['half a character', { name: 'a\ud800' }, 'name']
  ])('with %s are refused by the name of the field', async (_what, body, field) => {
    const asked = request(server.app).post('/api/chatbots').set(await bearer('user_invalid'))
    const answer = await (body === undefined ? asked : asked.send(body))
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    expect(answer.body.errors).toEqual([{ field, problem: expect.any(String) }])
  })

  // Times that ISO 8601 allows and Postgres does not.
  const NO_CURSORS = ['0000-01-01T00:00:00Z', '2026-01-01T00:00:00+23:59', `2026-01-01T00:00:00.${'1'.repeat(150)}Z`].map(
    (time) => `cursor=${encodeCursor({ time, id: '00000000-0000-0000-0000-000000000001' })}`
  )
  test.each(['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'cursor=abc', 'cursor=', 'page=2', ...NO_CURSORS])(
    'are not listed for ?%s',
    async (query) => {
      const answer = await request(server.app).get(`/api/chatbots?${query}`).set(await bearer('user_invalid'))
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    }
  )

  test('are not changed by nothing, nor found by what is no id', async () => {
    const id = '00000000-0000-0000-0000-000000000001'
    expect((await request(server.app).patch(`/api/chatbots/${id}`).set(await bearer('user_x')).send({})).status).toBe(400)
    expect((await request(server.app).get(`/api/chatbots/${id}`).set(await bearer('user_x'))).status).toBe(404)
    expect((await request(server.app).get('/api/chatbots/not-an-id').set(await bearer('user_x'))).status).toBe(400)
  })

  test('count in the usage, the plan list is public', async () => {
    await create('user_usage', { name: 'one' })
    const usage = await request(server.app).get('/api/usage').set(await bearer('user_usage'))
    expect(usage.body).toMatchObject({ plan: 'free', windowStart: expect.stringMatching(/Z$/), resetsAt: expect.stringMatching(/Z$/) })
    expect(usage.body.metrics).toContainEqual({
      metric: 'chatbots', title: 'Chatbots', kind: 'gauge', unit: 'chatbot', used: 1, quota: 1, remaining: 0, resetsAt: null,
      forecast: null
    })
    const plans = await request(server.app).get('/api/plans')
    expect(plans.body.data.map(({ plan }: { plan: string }) => plan)).toEqual(['free', 'starter', 'growth', 'enterprise'])
    expect(plans.body.data[3].quotas).toContainEqual({ metric: 'chatbots', title: 'Chatbots', unit: 'chatbot', kind: 'gauge', quota: null })
  })
})
