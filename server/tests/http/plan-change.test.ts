import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { transports } from '../support/database.ts'
import { bearer, startTestApp, type TestApp } from './test-app.ts'

const CHECK = '/api/billing/plan-change/check'

describe.each(transports)('the check of a plan change over %s', (transport) => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp({ transport })
  })

  const check = async (user: string, body: object) => request(server.app).post(CHECK).set(await bearer(user)).send(body)
  const makeBots = async (user: string, count: number): Promise<string[]> => {
    const client = await server.database.connect()
    await client.query('select api.read_account($1)', [user])
    await client.query(`update app.accounts set plan = 'growth' where account_id = $1`, [user])
    const paths: string[] = []
    for (let number = 1; number <= count; number += 1) {
      const created = await request(server.app).post('/api/chatbots').set(await bearer(user)).send({ name: `bot ${number}` })
      paths.push(created.headers['location'] ?? '')
    }
    return paths
  }

  test('refuses a plan too small for the chatbots there are, says how many to delete, and lets it pass after that', async () => {
    const user = 'user_downgrade'
    const [first = '', second = ''] = await makeBots(user, 5)
    const refused = await check(user, { plan: 'starter' })
    expect(refused.status).toBe(400)
    expect(refused.headers['x-should-retry']).toBe('false')
    expect(refused.headers['content-type']).toContain('application/problem+json')
    expect(refused.body).toEqual({
      type: '/docs/problems#downgrade_blocked',
      title: 'Downgrade blocked',
      status: 400,
      code: 'downgrade_blocked',
      detail: 'Please delete 2 chatbot(s) before downgrading',
      blockers: [
        { metric: 'chatbots', used: 5, quota: 3, excess: 2, message: 'Please delete 2 chatbot(s) before downgrading' }
      ],
      resolutions: [{ action: 'delete', metric: 'chatbots', count: 2 }],
      requestId: refused.headers['x-request-id'],
      instance: CHECK
    })

    for (const path of [first, second]) await request(server.app).delete(path).set(await bearer(user))
    const fits = await check(user, { plan: 'starter' })
    expect([fits.status, fits.body]).toEqual([200, { plan: 'starter', fits: true }])
  })

  test('names every blocker when there are several', async () => {
    const user = 'user_several'
    const [path = ''] = await makeBots(user, 2)
    const text = 'x'.repeat(1_000_000)
    for (let number = 1; number <= 11; number += 1) {
      await request(server.app).post(`${path}/documents`).set(await bearer(user)).send({ name: `${number}.txt`, text })
    }
    const { body } = await check(user, { plan: 'free' })
    expect(body.blockers.map(({ metric }: { metric: string }) => metric)).toEqual(['chatbots', 'storage_bytes'])
    expect(body.detail).toBe(body.blockers.map(({ message }: { message: string }) => message).join('. '))
    expect(body.resolutions).toEqual([
      { action: 'delete', metric: 'chatbots', count: 1 },
      { action: 'delete', metric: 'storage_bytes', count: body.blockers[1].excess }
    ])
  })

  test('changes nothing, and does not look at other accounts', async () => {
    await makeBots('user_many', 5)
    expect((await check('user_few', { plan: 'free' })).body).toEqual({ plan: 'free', fits: true })
    expect((await check('user_many', { plan: 'enterprise' })).body).toEqual({ plan: 'enterprise', fits: true })
    const me = await request(server.app).get('/api/me').set(await bearer('user_many'))
    expect(me.body.account.plan).toBe('growth')
  })

  test.each([
    ['an unknown plan', { plan: 'platinum' }, 'unknown_plan'],
    ['no plan', {}, 'invalid_request'],
    ['a plan that is a number', { plan: 3 }, 'invalid_request'],
    ['a misspelt field', { plan: 'free', fit: true }, 'invalid_request'],
    ['text Postgres cannot hold', { plan: 'a\0b' }, 'invalid_request']
  ])('refuses %s', async (_what, body, code) => {
    const answer = await check('user_wrong', body)
    expect([answer.status, answer.body.code]).toEqual([400, code])
  })

  test('needs a session', async () => {
    const answer = await request(server.app).post(CHECK).send({ plan: 'free' })
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated'])
  })
})
