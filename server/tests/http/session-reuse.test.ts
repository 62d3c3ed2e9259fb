import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import request from 'supertest'
import { signSvix } from '../../src/billing/clerk/svix-signature.ts'
import { inOrganization, ORIGIN, SECRETS, startTestApp, type TestApp, tokenFor, type TokenOptions } from './test-app.ts'

let server: TestApp
let findings: (string | null)[]
beforeAll(async () => {
  server = await startTestApp()
})
beforeEach(() => {
  findings = []
  const find = server.parts.sessionCache.find.bind(server.parts.sessionCache)
  jest.spyOn(server.parts.sessionCache, 'find').mockImplementation((token) => {
    const session = find(token)
    findings.push(session === null ? null : session.accountId)
    return session
  })
})
afterEach(() => {
  jest.restoreAllMocks()
})

function ask(token: string) {
  return request(server.app).get('/api/me').set('Authorization', `Bearer ${token}`)
}

/** later moves the only clock that Clerk's check and the cache read. */
function later(seconds: number): void {
  const now = Date.now() + seconds * 1000
  jest.spyOn(Date, 'now').mockImplementation(() => now)
}

describe('a token that was verified', () => {
  test('is not verified again, and answers the same', async () => {
    const token = await tokenFor('user_twice', inOrganization('org_twice', 'member'))
    const [first, second] = [await ask(token), await ask(token)]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body).toEqual(first.body)
    expect(findings).toEqual([null, 'org_twice'])
  })

  test('is refused once it has expired', async () => {
    const token = await tokenFor('user_expires')
    await ask(token)
    later(66)
    expect((await ask(token)).status).toBe(401)
    expect(findings).toEqual([null, null])
  })

  test('is left to Clerk in the seconds that Clerk forgives, and is not kept there', async () => {
    const token = await tokenFor('user_late')
    await ask(token)
    later(62)
    expect([(await ask(token)).status, (await ask(token)).status]).toEqual([200, 200])
    expect(findings).toEqual([null, null, null])
  })

  test('with one character changed is verified, and refused', async () => {
    const token = await tokenFor('user_changed')
    await ask(token)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const operator = Buffer.from(payload, 'base64url').toString().replace('user_changed', 'user_changee')
    const flip = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
    for (const changed of [[header, payload, flip(signature)], [header, Buffer.from(operator).toString('base64url'), signature]]) {
      expect((await ask(changed.join('.'))).status).toBe(401)
    }
    expect(findings).toEqual([null, null, null])
  })

  test('is checked for how it is sent as if it were new', async () => {
    const token = await tokenFor('user_sent')
    await ask(token)
    const write = (headers: Record<string, string>) => request(server.app).post('/api/chatbots').set(headers).send({ name: '' })
    const foreign = await write({ Cookie: `__session=${token}`, Origin: 'https://evil.example' })
    expect([foreign.status, foreign.body.code]).toEqual([403, 'forbidden'])
    expect((await write({ Cookie: `__session=${token}`, Origin: ORIGIN })).status).toBe(400)
    expect((await write({ Authorization: `Basic ${token}` })).status).toBe(401)
    expect((await write({ Authorization: token })).status).toBe(401)
    expect((await write({ Authorization: `Bearer ${token} ${token}` })).status).toBe(401)
  })

  test('counts against the rate limit of its account', async () => {
    const token = await tokenFor('user_counted')
    const [first, second] = [await ask(token), await ask(token)]
    const left = [first, second].map(({ headers }) => Number(/"account"; r=(\d+)/.exec(String(headers['ratelimit']))?.[1]))
    expect(left[1]).toBe((left[0] ?? 0) - 1)
  })
})

test('what is refused is never kept', async () => {
  const size = server.parts.sessionCache.size
  const now = Math.floor(Date.now() / 1000)
  const refused: TokenOptions[] = [
    { expiresInSeconds: -60 },
    { claims: { nbf: now + 600 } },
    { claims: { iss: 'https://evil.clerk.accounts.dev' } },
    { claims: { azp: 'https://evil.example' } },
    { claims: { azp: undefined } },
    { claims: { sts: 'pending' } },
    { claims: { sub: 'user \n' } },
    { claims: { o: { id: 5, rol: 'admin', slg: 'acme' } } },
    { algorithm: 'RS512' }
  ]
  for (const options of refused) {
    const token = await tokenFor('user_refused', options)
    expect([options, (await ask(token)).status, (await ask(token)).status]).toEqual([options, 401, 401])
  }
  expect(server.parts.sessionCache.size).toBe(size)
  expect(findings.every((found) => found === null)).toBe(true)
})

test('two organizations and the operator of one user are three sessions', async () => {
  const tokens = [
    await tokenFor('user_many', inOrganization('org_one', 'admin')),
    await tokenFor('user_many', inOrganization('org_two', 'member')),
    await tokenFor('user_many', { claims: { metadata: { role: 'operator' } } })
  ]
  const seen = async () => {
    const bodies = []
    for (const token of tokens) bodies.push((await ask(token)).body)
    return bodies
  }
  const expected = [
    { organizationId: 'org_one', role: 'org:admin', operator: false, account: { accountId: 'org_one' } },
    { organizationId: 'org_two', role: 'org:member', operator: false, account: { accountId: 'org_two' } },
    { organizationId: null, role: null, operator: true, account: { accountId: 'user_many' } }
  ]
  expect(await seen()).toMatchObject(expected)
  expect(await seen()).toMatchObject(expected)
  expect(findings).toEqual([null, null, null, 'org_one', 'org_two', 'user_many'])
  const admin = (token = '') => request(server.app).get('/api/admin/accounts').set('Authorization', `Bearer ${token}`)
  expect([(await admin(tokens[2])).status, (await admin(tokens[0])).status]).toEqual([200, 403])
})

describe('the end of a user or organization', () => {
  const deliver = (type: 'user.deleted' | 'organization.deleted', id: string, signature?: string) => {
    const body = JSON.stringify({ data: { deleted: true, id }, object: 'event', timestamp: Date.now(), type })
    const timestamp = Math.floor(Date.now() / 1000)
    const signed = signature ?? signSvix(SECRETS.clerkWebhooks, { id: 'msg_1', timestamp, body })
    const headers = { 'svix-id': 'msg_1', 'svix-timestamp': String(timestamp), 'svix-signature': signed }
    return request(server.app).post('/webhooks/clerk').set({ 'content-type': 'application/json', ...headers }).send(body)
  }
  const foundAgain = async (tokens: string[]) => {
    findings = []
    for (const token of tokens) await ask(token)
    return findings
  }

  test('drops what was kept of them, and of nobody else', async () => {
    const tokens = [
      await tokenFor('user_ends'),
      await tokenFor('user_ends', inOrganization('org_ends')),
      await tokenFor('user_goes_on', inOrganization('org_ends')),
      await tokenFor('user_goes_on')
    ]
    for (const token of tokens) await ask(token)
    expect((await deliver('user.deleted', 'user_ends', 'v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')).status).toBe(401)
    expect(await foundAgain(tokens)).toEqual(['user_ends', 'org_ends', 'org_ends', 'user_goes_on'])
    expect((await deliver('user.deleted', 'user_ends')).status).toBe(200)
    expect(await foundAgain(tokens)).toEqual([null, null, 'org_ends', 'user_goes_on'])
    expect((await deliver('organization.deleted', 'org_ends')).status).toBe(200)
    expect(await foundAgain(tokens)).toEqual(['user_ends', null, null, 'user_goes_on'])
  })

  test('leaves nothing to be had with a token that lives on: the database refuses a closed account', async () => {
    const token = await tokenFor('user_closed')
    const post = (path: string, body: object) => request(server.app).post(path).set('Authorization', `Bearer ${token}`).send(body)
    const bot = (await post('/api/chatbots', { name: 'Bot' })).body.chatbotId
    const conversation = (await post(`/api/chatbots/${bot}/conversations`, {})).body.conversationId
    await deliver('user.deleted', 'user_closed')
    const writes: [string, object][] = [
      ['/api/chatbots', { name: 'Another' }],
      [`/api/chatbots/${bot}/documents`, { name: 'a.txt', text: 'Refunds take five days.' }],
      [`/api/chatbots/${bot}/conversations/${conversation}/messages`, { content: 'How long?' }]
    ]
    for (const [path, body] of writes) {
      const answer = await post(path, body)
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'account_closed'])
    }
  })
})
