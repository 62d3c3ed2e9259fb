import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { bearer, ORIGIN, startTestApp, type TestApp } from './test-app.ts'

const SHOP = 'https://shop.parley.test'
const FOREIGN = [`${SHOP}.evil.example`, 'https://evil.example', 'http://shop.parley.test', 'null', '*', `${SHOP}/`]
const environment = { CLERK_AUTHORIZED_PARTIES: `${ORIGIN},${SHOP}` }

let server: TestApp
beforeAll(async () => {
  server = await startTestApp({ environment })
})

function preflight(app: TestApp['app'], origin: string, method = 'POST') {
  return request(app)
    .options('/api/chatbots')
    .set('Origin', origin)
    .set('Access-Control-Request-Method', method)
    .set('Access-Control-Request-Headers', 'authorization,content-type,idempotency-key')
}

function corsHeaders(answer: request.Response): string[] {
  return Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))
}

function listed(header: string | undefined): string[] {
  return (header ?? '').split(',').toSorted()
}

describe('a page of an authorized party', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('may ask beforehand for %s, without a session', async (method) => {
    const answer = await preflight(server.app, SHOP, method)
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(answer.headers['access-control-allow-origin']).toBe(SHOP)
    expect(listed(answer.headers['access-control-allow-methods'])).toEqual(['DELETE', 'GET', 'PATCH', 'POST', 'PUT'])
    const headers = ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id']
    expect(listed(answer.headers['access-control-allow-headers'])).toEqual(headers)
    expect(answer.headers['access-control-max-age']).toBe('600')
    expect(answer.headers['vary']).toContain('Origin')
  })

  test('reads answers and the headers that belong to them, never with cookies', async () => {
    const answer = await request(server.app).get('/api/me').set('Origin', SHOP).set(await bearer('user_alice'))
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, SHOP])
    const headers = ['Content-Disposition', 'Idempotent-Replayed', 'Location', 'RateLimit', 'Retry-After', 'X-Request-Id']
    expect(listed(answer.headers['access-control-expose-headers'])).toEqual(headers)
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test('reads refusals as well: no session, nothing there, too many requests', async () => {
    const none = await request(server.app).get('/api/me').set('Origin', SHOP)
    const missing = await request(server.app).get('/api/nothing').set('Origin', SHOP).set(await bearer('user_alice'))
    expect([none.status, missing.status]).toEqual([401, 404])
    for (const answer of [none, missing]) expect(answer.headers['access-control-allow-origin']).toBe(SHOP)
  })

  test('is counted by its address when it asks beforehand, and told', async () => {
    const { app } = await startTestApp({ environment: { ...environment, RATE_LIMIT_ADDRESS_PER_MINUTE: '2' } })
    const statuses: number[] = []
    for (let count = 0; count < 3; count += 1) statuses.push((await preflight(app, SHOP)).status)
    expect(statuses).toEqual([204, 204, 429])
    const refused = await request(app).get('/api/plans').set('Origin', SHOP)
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([429, SHOP])
  })
})

describe('a page of any other origin', () => {
  test.each(FOREIGN)('%s gets no CORS headers, neither beforehand nor with an answer', async (origin) => {
    const asked = await preflight(server.app, origin)
    const answer = await request(server.app).get('/api/plans').set('Origin', origin)
    expect([asked.status, answer.status]).toEqual([401, 200])
    for (const one of [asked, answer]) {
      expect(corsHeaders(one)).toEqual([])
      // A cache must not give one origin what was answered to the other.
      expect(one.headers['vary']).toContain('Origin')
    }
  })
})

test('only the interface answers other origins, and OPTIONS alone is no preflight', async () => {
  for (const path of ['/livez', '/docs', '/']) {
    expect([path, corsHeaders(await request(server.app).get(path).set('Origin', SHOP))]).toEqual([path, []])
  }
  expect(corsHeaders(await request(server.app).get('/api/plans'))).toEqual([])
  expect((await request(server.app).options('/api/chatbots').set('Origin', SHOP)).status).toBe(401)
})
