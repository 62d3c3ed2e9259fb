import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { DatabaseUnavailable, type Database, type Row } from '../../src/db/database.ts'
import { requiredSchemaVersion } from '../../src/db/required-schema-version.ts'
import { bearer, startTestApp, type TestApp } from './test-app.ts'

const databaseThat = (rpc: () => Promise<Row[]>): Database => ({ rpc, close: () => Promise.resolve() })

describe('/livez and /readyz', () => {
  test('say yes over a migrated database', async () => {
    const { app } = await startTestApp()
    expect((await request(app).get('/livez')).body).toEqual({ status: 'alive' })
    const ready = await request(app).get('/readyz')
    expect(ready.status).toBe(200)
    expect(ready.body).toEqual({ status: 'ready', schemaVersion: requiredSchemaVersion() })
  })

  test.each<[string, () => Promise<Row[]>]>([
    ['is away', () => Promise.reject(new DatabaseUnavailable('down'))],
    ['does not answer within a second', () => new Promise(() => undefined)],
    ['is older than the server', () => Promise.resolve([{ version: '20200101000000' }])],
    ['was never migrated', () => Promise.resolve([{ version: null }])]
  ])('say alive but not ready while the database %s', async (_what, rpc) => {
    const { app } = await startTestApp({ parts: { db: databaseThat(rpc) } })
    expect((await request(app).get('/livez')).status).toBe(200)
    const ready = await request(app).get('/readyz')
    expect([ready.status, ready.body.code, ready.headers['retry-after']]).toEqual([503, 'service_unavailable', '1'])
  })

  test('say ready over a database that is ahead, as it is while a release is rolled out', async () => {
    const { app } = await startTestApp({ parts: { db: databaseThat(() => Promise.resolve([{ version: '99990101000000' }])) } })
    expect((await request(app).get('/readyz')).status).toBe(200)
  })

  test('say not ready once the server shuts down, and requests end their connections', async () => {
    const { app, parts } = await startTestApp()
    parts.lifecycle.begin()
    expect((await request(app).get('/readyz')).status).toBe(503)
    const live = await request(app).get('/livez')
    expect([live.status, live.headers['connection']]).toEqual([200, 'close'])
  })
})

describe('/metrics', () => {
  const token = 'metrics-token-of-the-tests'

  test('are shown to this machine only where no token is set, and never through a proxy', async () => {
    const { app } = await startTestApp()
    expect((await request(app).get('/metrics')).status).toBe(200)
    const proxied = await request(app).get('/metrics').set('X-Forwarded-For', '203.0.113.9')
    expect([proxied.status, proxied.body.code]).toEqual([403, 'forbidden'])
  })

  test('need the token where one is set', async () => {
    const { app } = await startTestApp({ environment: { METRICS_TOKEN: token } })
    expect((await request(app).get('/metrics')).status).toBe(401)
    expect((await request(app).get('/metrics').set('Authorization', `Bearer ${token}x`)).status).toBe(401)
    expect((await request(app).get('/metrics').set('Authorization', `Bearer ${token}`)).status).toBe(200)
  })

  test('count requests under the pattern of their route and decisions under their metric, without ids', async () => {
    const { app } = await startTestApp()
    const user = await bearer('user_metrics')
    const created = await request(app).post('/api/chatbots').set(user).send({ name: 'one' })
    await request(app).post('/api/chatbots').set(user).send({ name: 'two' })
    await request(app).get(created.headers['location'] ?? '').set(user)
    await request(app).get('/somewhere/else')
    const { text } = await request(app).get('/metrics')
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/chatbots/:chatbotId",status_class="2xx"} 1')
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="unmatched",status_class="4xx"} 1')
    expect(text).toContain('quota_decisions_total{metric="chatbots",decision="allowed"} 1')
    expect(text).toContain('quota_decisions_total{metric="chatbots",decision="refused"} 1')
    expect(text).toContain('process_cpu_seconds_total')
    expect(text).not.toContain('user_metrics')
    expect(text).not.toContain(created.body.chatbotId)
  })
})

describe('rate limits', () => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp({
      environment: { RATE_LIMIT_ADDRESS_PER_MINUTE: '5', RATE_LIMIT_ACCOUNT_PER_MINUTE: '2', TRUST_PROXY: '1' }
    })
  })
  const ask = async (user: string, address: string) =>
    request(server.app)
      .get('/api/me')
      .set({ ...(await bearer(user)), 'X-Forwarded-For': address })

  test('hold per account over all addresses, and say so in the headers', async () => {
    const first = await ask('user_fast', '203.0.113.1')
    expect(first.headers['ratelimit-policy']).toMatch(/"address"; q=5; w=60.*"account"; q=2; w=60/)
    expect(first.headers['ratelimit']).toMatch(/"account"; r=1; t=\d+/)
    await ask('user_fast', '203.0.113.2')
    const refused = await ask('user_fast', '203.0.113.3')
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited'])
    expect(refused.headers['content-type']).toContain('application/problem+json')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await ask('user_slow', '203.0.113.3')).status).toBe(200)
  })

  test('hold per address before anybody is asked who they are', async () => {
    const statuses: number[] = []
    for (let time = 0; time < 7; time += 1) {
      statuses.push((await request(server.app).get('/api/me').set('X-Forwarded-For', '203.0.113.9')).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  })

  test('cannot be escaped by inventing forwarded addresses beyond the trusted proxy', async () => {
    for (let time = 0; time < 5; time += 1) await request(server.app).get('/api/me').set('X-Forwarded-For', `198.51.100.${time}, 203.0.113.50`)
    const answer = await request(server.app).get('/api/me').set('X-Forwarded-For', '198.51.100.99, 203.0.113.50')
    expect(answer.status).toBe(429)
  })

  test('do not hold for probes and webhooks', async () => {
    for (let time = 0; time < 7; time += 1) {
      expect((await request(server.app).get('/livez').set('X-Forwarded-For', '203.0.113.9')).status).toBe(200)
      expect((await request(server.app).post('/webhooks/stripe').set('X-Forwarded-For', '203.0.113.9')).status).toBe(401)
    }
  })
})
