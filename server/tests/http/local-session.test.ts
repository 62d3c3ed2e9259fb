import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { readConfig } from '../../src/config.ts'
import { startTestApp, testEnvironment } from './test-app.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})
const { app } = await startTestApp({ environment: { CLERK_JWT_KEY: publicKey, LOCAL_SIGNING_KEY: privateKey } })
const without = await startTestApp()

const signIn = (body: object) => request(app).post('/sandbox/session').send(body)
const me = (token: string) => request(app).get('/api/me').set('Authorization', `Bearer ${token}`)

test('signs anybody in as anybody, alone, in an organization, as an operator', async () => {
  const alone = await me((await signIn({ userId: 'alice' })).body.token)
  expect(alone.body).toMatchObject({ userId: 'alice', organizationId: null, operator: false, account: { accountId: 'alice' } })
  const admin = await me((await signIn({ userId: 'bob', organization: { id: 'acme', role: 'admin' }, operator: true })).body.token)
  expect(admin.body).toMatchObject({ role: 'org:admin', operator: true, account: { accountId: 'acme' } })
})

test('a page of another origin is refused', async () => {
  const answer = await signIn({ userId: 'alice' }).set('Origin', 'https://evil.example')
  expect([answer.status, answer.body.code, answer.body.token]).toEqual([403, 'forbidden', undefined])
  expect((await signIn({ userId: 'alice' }).set('Origin', 'http://localhost:3000')).status).toBe(200)
})

test('a name that is none is refused by its field', async () => {
  for (const userId of ['', 'a b', 'x'.repeat(101), 7, null]) {
    const answer = await signIn({ userId })
    expect([userId, answer.status, answer.body.errors?.[0]?.field]).toEqual([userId, 400, 'userId'])
  }
})

describe('only at a desk', () => {
  test('without the local key there is no such address', async () => {
    const answer = await request(without.app).post('/sandbox/session').send({ userId: 'alice' })
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
  })

  test('beside keys of Clerk it is a fault', () => {
    const start = () => readConfig(testEnvironment({ CLERK_SECRET_KEY: 'sk_test_of_an_application', LOCAL_SIGNING_KEY: privateKey }))
    expect(start).toThrow('LOCAL_SIGNING_KEY is set although Clerk signs people in')
  })

  test('production refuses to start with it', () => {
    const start = () => readConfig(testEnvironment({ NODE_ENV: 'production', LOCAL_SIGNING_KEY: privateKey }))
    expect(start).toThrow('LOCAL_SIGNING_KEY is set')
  })
})
