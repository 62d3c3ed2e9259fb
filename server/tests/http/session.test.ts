import { generateKeyPairSync, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { bearer, inOrganization, ISSUER, ORIGIN, startTestApp, type TestApp, tokenFor, type TokenOptions } from './test-app.ts'

let server: TestApp
beforeAll(async () => {
  server = await startTestApp()
})

const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

describe('a session', () => {
  test('is a user, who is the account', async () => {
    const answer = await request(server.app).get('/api/me').set(await bearer('user_alice'))
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      userId: 'user_alice',
      organizationId: null,
      account: { accountId: 'user_alice', plan: 'free', planName: 'Free', status: 'none', subscribedPlan: null }
    })
  })

  test('is a user in an organization, which then is the account', async () => {
    const answer = await request(server.app).get('/api/me').set(await bearer('user_alice', inOrganization('org_acme')))
    expect(answer.body).toMatchObject({ userId: 'user_alice', organizationId: 'org_acme', role: 'org:admin', account: { accountId: 'org_acme' } })
  })

  test.each(['bearer ', 'BEARER ', 'Bearer   '])('may be sent as %j, for schemes have no case', async (scheme) => {
    const answer = await request(server.app).get('/api/me').set('Authorization', scheme + (await tokenFor('user_bob')))
    expect(answer.body).toMatchObject({ userId: 'user_bob' })
  })

  test('may come in the cookie __session', async () => {
    const answer = await request(server.app).get('/api/me').set('Cookie', `theme=dark; __session=${await tokenFor('user_bob')}`)
    expect(answer.body).toMatchObject({ userId: 'user_bob' })
  })
})

describe('without a session', () => {
  const refused: [string, TokenOptions][] = [
    ['an expired token', { expiresInSeconds: -60 }],
    ['a token that is not valid yet', { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }],
    ['a token of another issuer', { claims: { iss: 'https://evil.clerk.accounts.dev' } }],
    ['a token of an issuer that only begins alike', { claims: { iss: `${ISSUER}.evil.example` } }],
    ['a token for another site', { claims: { azp: 'https://evil.example' } }],
    ['a token for no site', { claims: { azp: undefined } }],
    ['a token of a pending session', { claims: { sts: 'pending' } }],
    ['a token signed with another key', { key: otherKey }],
    ['a token signed with a shared secret', { algorithm: 'HS256', key: new TextEncoder().encode('x'.repeat(64)) }],
    ['a token signed with another algorithm', { algorithm: 'RS512' }]
  ]
  test.each(refused)('%s is refused', async (_what, options) => {
    const answer = await request(server.app).get('/api/me').set(await bearer('user_alice', options))
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ code: 'unauthenticated', status: 401 })
  })

  test.each([
    ['no header at all', undefined],
    ['another scheme', 'Basic YTpi'],
    ['an empty token', 'Bearer '],
    ['no JWT', 'Bearer abc'],
    ['an unsigned token', `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"user_alice"}').toString('base64url')}.`]
  ])('%s is refused', async (_what, authorization) => {
    const asked = request(server.app).get('/api/me')
    const answer = await (authorization === undefined ? asked : asked.set('Authorization', authorization))
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })

  test.each(['', 'user_\u0000', 'user \n', 'u'.repeat(256)])('a signed token for the user %j, whom no account can belong to, is refused', async (sub) => {
    const answer = await request(server.app).get('/api/me').set(await bearer('user_alice', { claims: { sub } }))
    expect(answer.status).toBe(401)
  })

  test.each(['', 'org_\u0000', 5])('a signed token for the organization %j is refused', async (id) => {
    const answer = await request(server.app).get('/api/me').set(await bearer('user_alice', { claims: { o: { id, rol: 'admin', slg: 'acme' } } }))
    expect(answer.status).toBe(401)
  })

  test.each(['null', '"RS256"', '[]', '{'])('a token whose header is %s is refused', async (header) => {
    const parts = [header, '{"sub":"user_alice"}', 'signature'].map((part) => Buffer.from(part).toString('base64url'))
    const answer = await request(server.app).get('/api/me').set('Authorization', `Bearer ${parts.join('.')}`)
    expect(answer.status).toBe(401)
  })

  test.each(['null', '[]', '"user_alice"', '1', ''])('a token whose claims are %j is refused', async (claims) => {
    const parts = ['{"alg":"RS256","kid":"ins_local","typ":"JWT"}', claims].map((part) => Buffer.from(part).toString('base64url'))
    const token = `${parts.join('.')}.c2lnbmF0dXJl`
    for (const headers of [{ Authorization: `Bearer ${token}` }, { Cookie: `__session=${token}` }]) {
      const answer = await request(server.app).get('/api/me').set(headers)
      expect(answer.status).toBe(401)
    }
  })

  test('a signed token that expires at no time is refused', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { app } = await startTestApp({ environment: { CLERK_JWT_KEY: String(publicKey.export({ type: 'spki', format: 'pem' })) } })
    const askWith = (time: string) => {
      const claims = JSON.stringify({ iss: ISSUER, azp: ORIGIN, sub: 'user_alice', sid: 'sess_1', iat: 1, nbf: 1 }).replace(/\}$/, `,"exp":${time}}`)
      const signed = ['{"alg":"RS256","kid":"ins_local","typ":"JWT"}', claims].map((part) => Buffer.from(part).toString('base64url')).join('.')
      const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url')
      return request(app).get('/api/me').set('Authorization', `Bearer ${signed}.${signature}`)
    }
    expect((await askWith('9999999999')).status).toBe(200)
    for (const exp of ['-1e999', 'null', '"9999999999"', '[9999999999]']) expect([exp, (await askWith(exp)).status]).toEqual([exp, 401])
  })

  test('a token of more than 8 kB is refused, even a valid one', async () => {
    const answer = await request(server.app).get('/api/me').set(await bearer('user_alice', { claims: { padding: 'x'.repeat(8_000) } }))
    expect(answer.status).toBe(401)
  })

  test('what is no session token is refused without asking anybody over the network', async () => {
    for (const key of ['ak_0123456789', 'oat_0123456789', 'mt_0123456789']) {
      const answer = await request(server.app).get('/api/me').set('Authorization', `Bearer ${key}`)
      expect(answer.body.detail).toBe('The Authorization header holds no session token.')
    }
  })

  test('a browser that navigates is told so, and never redirected', async () => {
    const navigation = { Accept: 'text/html', 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate' }
    const plain = await request(server.app).get('/api/me').set(navigation)
    const signedOut = await request(server.app).get('/api/me').set({ ...navigation, Cookie: '__client_uat=1; __session=a.b.c' })
    for (const answer of [plain, signedOut]) {
      expect(answer.status).toBe(401)
      expect(answer.headers['location']).toBeUndefined()
    }
  })
})

describe('a cookie', () => {
  const create = async (headers: Record<string, string>) =>
    request(server.app)
      .post('/api/chatbots')
      .set({ Cookie: `__session=${await tokenFor('user_carol')}`, ...headers })
      .send({ name: '' })

  test('does not let a foreign origin write', async () => {
    const answer = await create({ Origin: 'https://evil.example' })
    expect(answer.status).toBe(403)
    expect(answer.body).toMatchObject({ code: 'forbidden' })
  })

  test('lets an authorized party and the same host write', async () => {
    expect((await create({ Origin: ORIGIN })).status).toBe(400)
    expect((await create({ Host: 'chat.example', Origin: 'http://chat.example' })).status).toBe(400)
    expect((await create({})).status).toBe(400)
  })

  test('does not matter beside an Authorization header', async () => {
    const answer = await request(server.app)
      .get('/api/me')
      .set({ Cookie: `__session=${await tokenFor('user_carol')}`, Authorization: 'Bearer a.b.c' })
    expect(answer.status).toBe(401)
  })
})

test('no token shows in the log', async () => {
  const token = await tokenFor('user_alice')
  await request(server.app).get(`/api/me?token=${token}`).set('Authorization', `Bearer ${token}`).set('Cookie', `__session=${token}`)
  expect(server.log.join('')).toContain('/api/me')
  expect(server.log.join('')).not.toContain(token)
})
