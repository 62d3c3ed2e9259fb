import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { createFolder } from '../support/folder.ts'
import { bearer, startTestApp, type TestApp } from './test-app.ts'
import { identityOf } from './widget-site.ts'

const SITES = ['https://www.example.com', 'http://localhost:8080']

let folder: string
let server: TestApp
let widgetKey: string
beforeAll(async () => {
  folder = createFolder({
    'widget.html': '<!doctype html><title>Chat</title><!--parley-widget-config--><script type="module" src="/assets/w.js"></script>',
    'widget.js': 'void 0'
  })
  server = await startTestApp({ environment: { CLIENT_DIR: folder, RATE_LIMIT_NEW_VISITS_PER_HOUR: '3', RATE_LIMIT_VISITOR_MESSAGES_PER_MINUTE: '4' } })
  const session = await bearer('user_page')
  const bot = await request(server.app).post('/api/chatbots').set(session).send({ name: '</script><b>$&', welcomeMessage: 'Hi <there>' })
  const settings = await request(server.app).patch(`/api/chatbots/${bot.body.chatbotId}/widget`).set(session).send({ enabled: true, allowedOrigins: SITES })
  expect(settings.status).toBe(200)
  widgetKey = settings.body.widgetKey
})

describe('the page of a widget', () => {
  test('carries its configuration as data that cannot leave its element', async () => {
    const page = await request(server.app).get(`/widget/${widgetKey}`)
    expect([page.status, page.type]).toEqual([200, 'text/html'])
    const data = /<script type="application\/json" id="parley-widget-config">([^<]*)<\/script><script type="module"/.exec(page.text)?.[1] ?? ''
    expect(JSON.parse(data)).toEqual({ widgetKey, chatbotName: '</script><b>$&', welcomeMessage: 'Hi <there>' })
    expect(page.text).not.toContain('parley-widget-config-->')
  })

  test('may be framed by the allowed origins and Parley alone, and is else as strict as every page', async () => {
    const page = await request(server.app).get(`/widget/${widgetKey}`)
    const directives = (policy: string | undefined) => new Map((policy ?? '').split(/;\s*/).map((directive) => [directive.split(' ', 1)[0], directive]))
    const own = directives(page.get('content-security-policy'))
    expect(own.get('frame-ancestors')).toBe("frame-ancestors 'self' https://www.example.com http://localhost:8080")
    const usual = directives((await request(server.app).get('/docs')).get('content-security-policy'))
    expect(usual.get('frame-ancestors')).toBe("frame-ancestors 'none'")
    own.delete('frame-ancestors')
    usual.delete('frame-ancestors')
    expect(own).toEqual(usual)
    expect(page.get('x-frame-options')).toBeUndefined()
    expect(page.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(page.get('x-content-type-options')).toBe('nosniff')
  })

  test('is not there for an unknown key, and may then not be framed', async () => {
    for (const key of ['wgt_unknown12', 'x', '..%2fpackage.json']) {
      const page = await request(server.app).get(`/widget/${key}`)
      expect([key, page.status, page.body.code]).toEqual([key, 404, 'not_found'])
      expect(page.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })
})

describe('the script of the widget', () => {
  test('is for every site, and for five minutes', async () => {
    const script = await request(server.app).get('/widget.js')
    expect([script.status, script.type, script.text]).toEqual([200, 'text/javascript', 'void 0'])
    expect(script.get('cache-control')).toBe('public, max-age=300')
    expect(script.get('cross-origin-resource-policy')).toBe('cross-origin')
  })

  test('and the page say what to do where the client was not built', async () => {
    const bare = await startTestApp({ parts: { db: server.parts.db }, environment: { CLIENT_DIR: join(folder, 'missing') } })
    for (const path of ['/widget.js', `/widget/${widgetKey}`]) {
      const refused = await request(bare.app).get(path)
      expect([path, refused.status, refused.body.code, refused.body.detail]).toEqual([path, 503, 'service_unavailable', 'The web client is not built; run npm run build.'])
    }
  })
})

describe('one address', () => {
  /** busySite is a widget on a server of its own, where one address may begin three visits in an hour. */
  async function busySite(environment: Record<string, string> = {}) {
    const { app } = await startTestApp({ environment: { RATE_LIMIT_NEW_VISITS_PER_HOUR: '3', ...environment } })
    const session = await bearer('user_busy')
    const { chatbotId } = (await request(app).post('/api/chatbots').set(session).send({ name: 'Busy' })).body
    const settings = (await request(app).patch(`/api/chatbots/${chatbotId}/widget`).set(session).send({ enabled: true })).body
    const open = (body: object = {}, token?: string) =>
      request(app).post(`/widget/${settings.widgetKey}/visits`).set(token === undefined ? {} : { Authorization: `Bearer ${token}` }).send(body)
    return { app, open, settings }
  }

  test('begins as many visits in an hour as it may; going on with one is free, and the body of one too many is not read', async () => {
    const open = (token?: string) => request(server.app).post(`/widget/${widgetKey}/visits`).set(token === undefined ? {} : { Authorization: `Bearer ${token}` })
    const { token } = (await open().send({})).body
    for (let again = 0; again < 5; again += 1) expect((await open(token).send({})).status).toBe(200)
    expect([(await open().send({})).status, (await open().send({})).status]).toEqual([200, 200])
    const refused = await open().type('json').send('{')
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(refused.get('retry-after'))).toBeGreaterThan(3500)
  })

  test('that begins no more visits goes on with those it has, signed in or not; a token of somebody else\'s visit begins none', async () => {
    const { app, open, settings } = await busySite()
    const identity = (userId: string) => identityOf(settings.identitySecret, userId)
    const anonymous = (await open()).body.token
    const signed = (await open(identity('customer_7'))).body.token
    expect([(await open()).status, (await open()).status]).toEqual([200, 429])
    expect((await open({}, anonymous)).body.token).toBe(anonymous)
    expect((await open(identity('customer_7'), signed)).body.token).toBe(signed)
    // Who was signed in and is no more begins a visit, and so does who signs in as somebody else.
    const begun = [(await open({}, signed)).status, (await open(identity('customer_8'), signed)).status, (await open({}, signed)).status]
    expect([...begun, (await open({}, signed)).status, (await open(identity('customer_9'), signed)).status]).toEqual([200, 200, 200, 429, 429])
    const addresses = await Promise.all(['192.0.2.1', '192.0.2.2'].map((address) => request(app).post(`/widget/${settings.widgetKey}/visits`).set('X-Forwarded-For', address).send({})))
    expect(addresses.map(({ status }) => status)).toEqual([429, 429])
  })

  test('asks for nothing without a limit, not even for what is free', async () => {
    const { open } = await busySite({ RATE_LIMIT_ADDRESS_PER_MINUTE: '6' })
    const { token } = (await open()).body
    const statuses = []
    for (let again = 0; again < 6; again += 1) statuses.push((await open({}, token)).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
  })

  test('sends as many messages in a minute as it may, whoever it says it is', async () => {
    const say = () => request(server.app).post(`/widget/${widgetKey}/messages`).type('json').send('{')
    const statuses = [(await say()).status, (await say()).status, (await say()).status, (await say()).status, (await say()).status]
    expect(statuses).toEqual([401, 401, 401, 401, 429])
  })
})
