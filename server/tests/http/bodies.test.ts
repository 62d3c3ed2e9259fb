import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { bearer, startTestApp, type TestApp } from './test-app.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

const post = async (body: string | Buffer, headers: Record<string, string> = {}) =>
  request(server.app)
    .post('/api/chatbots')
    .set({ ...(await bearer('user_bodies')), 'Content-Type': 'application/json', ...headers })
    .send(body)

describe('a body', () => {
  test('that is no JSON is refused with the place of the fault and without repeating it', async () => {
    const answer = await post('{"name": "x" secretword}')
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_json'])
    expect(answer.body.detail).toBe('The body is not valid JSON, at position 13.')
    expect(answer.text).not.toContain('secretword')
  })

  test('whose fault the parser does not place is refused without repeating it', async () => {
    const answer = await post('{"name": secretword}')
    expect(answer.body).toMatchObject({ status: 400, code: 'malformed_json', detail: 'The body is not valid JSON.' })
  })

  test('that ends too early is refused and says so', async () => {
    expect((await post('{"name": "x"')).body).toMatchObject({ code: 'malformed_json', detail: expect.stringMatching(/position|too early/) })
  })

  test.each(['"text"', '5', 'null'])('that is no object or array (%s) is refused', async (body) => {
    expect([(await post(body)).status, (await post(body)).body.code]).toEqual([400, 'malformed_json'])
  })

  test('of more than 100 kB is refused with 413 and the limit', async () => {
    const answer = await post(JSON.stringify({ name: 'x'.repeat(101 * 1024) }))
    expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large'])
    expect(answer.body.detail).toContain('102,400 bytes')
  })

  test.each([
    ['a form', 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['plain text', '{"name":"x"}', { 'Content-Type': 'text/plain' }],
    ['an unknown encoding', '{"name":"x"}', { 'Content-Encoding': 'zstd-unknown' }],
    ['an unknown charset', '{"name":"x"}', { 'Content-Type': 'application/json; charset=klingon' }]
  ])('of %s is refused with 415', async (_what, body, headers) => {
    const answer = await post(body, headers)
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type'])
  })

  test.each(['gzip', 'deflate', 'br'])('that is not the %s it says is refused with 400', async (encoding) => {
    const answer = await post(Buffer.from('{"name":"x"}'), { 'Content-Encoding': encoding })
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  })

  test('with thousands of faults is answered with the first of them', async () => {
    const answer = await post(JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, 1]))))
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    expect(answer.body.errors).toHaveLength(50)
  })

  test('nested more than 20 levels deep is refused, however deep it is', async () => {
    for (const depth of [21, 20_000]) {
      const answer = await post(`{"name":${'['.repeat(depth)}${']'.repeat(depth)}}`)
      expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request', detail: 'The body is nested more than 20 levels deep.' })
    }
  })

  test('cannot reach the prototype of anything', async () => {
    const answer = await post('{"name":"x","__proto__":{"admin":true}}')
    expect(answer.status).toBe(400)
    expect(Object.prototype).not.toHaveProperty('admin')
  })

  test('is not read before it is known who sends it', async () => {
    const answer = await request(server.app).post('/api/chatbots').set('Content-Type', 'application/json').send('{broken')
    expect(answer.status).toBe(401)
  })
})

describe('every answer', () => {
  test('carries a request id, the caller’s when it is well-formed', async () => {
    const own = await request(server.app).get('/livez').set('X-Request-Id', 'abc-123_x')
    expect(own.headers['x-request-id']).toBe('abc-123_x')
    for (const strange of ['a b', 'x'.repeat(65), '<script>']) {
      const made = await request(server.app).get('/livez').set('X-Request-Id', strange)
      expect(made.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    }
    const problem = await request(server.app).get('/api/nothing').set('X-Request-Id', 'mine')
    expect(problem.body.requestId).toBe('mine')
  })

  test('forbids scripts and styles that are not this server’s files, and says nothing about its software', async () => {
    for (const path of ['/', '/docs', '/api/me']) {
      const { headers } = await request(server.app).get(path)
      expect(headers['content-security-policy']).toContain("default-src 'none';script-src 'self';style-src 'self'")
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['x-powered-by']).toBeUndefined()
    }
  })

  test('to an unknown path is 404 as a problem', async () => {
    for (const [method, path] of [['get', '/nothing'], ['post', '/'], ['delete', '/livez']] as const) {
      const answer = await request(server.app)[method](path)
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    }
  })

  test('to a path that is not validly encoded is 400', async () => {
    const answer = await request(server.app).get('/docs/%E0%A4%A').set(await bearer('user_x'))
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  })

  test('to an unexpected failure is 500 without internals, which only the log has', async () => {
    const failing = await startTestApp({
      parts: { db: { rpc: () => Promise.reject(new Error('inner workings')), close: () => Promise.resolve() } }
    })
    const answer = await request(failing.app).get('/api/plans')
    expect([answer.status, answer.body.code]).toEqual([500, 'internal_error'])
    expect(answer.text).not.toMatch(/inner workings|node_modules|\.ts/)
    const lines = failing.log.join('')
    expect(lines).toContain('inner workings')
    expect(lines).toContain(answer.body.requestId)
  })
})
