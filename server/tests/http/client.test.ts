import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import request from 'supertest'
import { clientConfigSchema } from '../../src/contract/client-config.ts'
import { createFolder } from '../support/folder.ts'
import { startTestApp } from './test-app.ts'

const PAGE = '<!doctype html><html><head><!--parley-config--></head><body><div id="root"></div></body></html>'
const CLIENT_DIR = createFolder({ 'index.html': PAGE, 'assets/index-1.js': 'export {}', 'secret.txt': 'not to be served' })
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})
const { app } = await startTestApp({ environment: { CLIENT_DIR, CLERK_JWT_KEY: publicKey, LOCAL_SIGNING_KEY: privateKey } })
const withClerk = await startTestApp({ environment: { CLIENT_DIR } })
const bare = await startTestApp()

const open = (path: string, accept = 'text/html,application/xhtml+xml') => request(app).get(path).set('Accept', accept)
const configOf = (page: string) => {
  const text = /<script type="application\/json" id="parley-config">(.*?)<\/script>/.exec(page)?.[1] ?? ''
  return clientConfigSchema.parse(JSON.parse(text))
}

test('every address of the client is its one page, which is never kept by a cache', async () => {
  for (const path of ['/', '/bots', '/bots/x/chat?conversation=1', '/settings/billing', '/admin/inbox/stripe/evt_1']) {
    const answer = await open(path)
    expect([path, answer.status, answer.type, answer.headers['cache-control']]).toEqual([path, 200, 'text/html', 'no-store'])
    expect(answer.text).toContain('<div id="root">')
  }
})

test('the policy lets the page load nothing but files of this server, and styles with a nonce of this one page', async () => {
  const [one, other] = await Promise.all([open('/bots'), open('/bots')])
  const policy = String(one.headers['content-security-policy'])
  const { nonce } = configOf(one.text)
  expect(nonce).not.toBe(configOf(other.text).nonce)
  expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`)
  expect(policy).toContain("default-src 'none'; script-src 'self';")
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
})

test('where Clerk signs people in, the policy names its hosts and the page its public key alone', async () => {
  const answer = await request(withClerk.app).get('/bots').set('Accept', 'text/html')
  expect(configOf(answer.text).signIn.kind).toBe('clerk')
  expect(answer.text).not.toContain('sk_test')
  const policy = String(answer.headers['content-security-policy'])
  expect(policy).toContain("script-src 'self' https://local.clerk.accounts.dev https://challenges.cloudflare.com;")
  expect(policy).not.toContain('unsafe')
  expect(configOf((await open('/bots')).text).signIn.kind).toBe('local')
  expect((await open('/bots')).text).not.toContain('PRIVATE KEY')
})

test('programs keep their answers: the API, its problems, and addresses that are no page', async () => {
  expect((await open('/api/nothing')).body).toMatchObject({ code: 'unauthenticated' })
  expect((await open('/nowhere', 'application/json')).body).toMatchObject({ code: 'not_found' })
  expect((await open('/docs')).text).not.toContain('parley-config')
  expect((await request(app).post('/bots').set('Accept', 'text/html')).status).toBe(404)
})

test('a cache between cannot take the answer of a program for the page, nor the other way round', async () => {
  for (const accept of ['text/html', 'application/json']) expect((await open('/bots', accept)).headers['vary']).toBe('Accept')
})

test('built files may be kept for a year, and nothing beside them is served', async () => {
  const asset = await request(app).get('/assets/index-1.js')
  expect([asset.status, asset.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable'])
  for (const path of ['/assets/../secret.txt', '/assets/%2e%2e/secret.txt', '/secret.txt', '/assets/nothing.js']) {
    expect([path, (await request(app).get(path)).status]).toEqual([path, 404])
  }
})

test('without a built client the first page tells how to use the interface', async () => {
  const answer = await request(bare.app).get('/').set('Accept', 'text/html')
  expect(answer.text).toContain('Parley is running')
  expect((await request(bare.app).get('/bots').set('Accept', 'text/html')).status).toBe(404)
})
