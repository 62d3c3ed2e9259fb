import { beforeAll, describe, expect, test } from '@jest/globals'
import { newVisitorToken } from '../../src/http/visitor-token.ts'
import { type Chat, send, startChat } from './chat.ts'
import { ORIGIN } from './test-app.ts'
import { asVisitor, changeWidget, identityOf, innocentText, openBot, openSite, refusalOf, say, settingsOf, SITE, type Site, visit } from './widget-site.ts'

let chat: Chat
let users = 0
beforeAll(async () => {
  chat = await startChat()
  chat.openai.answerAll(['Hello.'])
})

const site = (change: object = {}): Promise<Site> => openSite(chat, `user_${(users += 1)}`, change)

async function openRefused(here: Site, body: unknown, options: Parameters<typeof asVisitor>[3] = {}): Promise<unknown> {
  return refusalOf(await asVisitor(chat, `${here.settings.widgetKey}/visits`, body, options))
}

describe('pages', () => {
  test('of Parley and of allowed sites may ask, those of others not, whatever they ask', async () => {
    const here = await site()
    const { token } = await visit(chat, here)
    for (const origin of [chat.origin, ORIGIN, SITE]) await visit(chat, here, {}, { origin })
    for (const origin of ['https://evil.example', 'https://www.example.com.evil.example', 'http://www.example.com', 'null']) {
      expect(await openRefused(here, {}, { origin })).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await refusalOf(await say(chat, here, token, 'Hi', { origin }))).toMatchObject({ status: 403 })
      const stop = await asVisitor(chat, `${here.settings.widgetKey}/messages/${here.chatbotId}/stop`, {}, { token, origin })
      expect(await refusalOf(stop)).toMatchObject({ status: 403 })
    }
    await changeWidget(chat, here, { allowedOrigins: [] })
    expect(await openRefused(here, {}, { origin: SITE })).toMatchObject({ status: 403 })
    await visit(chat, here)
  })

  test('need no cookie and set none', async () => {
    const here = await site()
    const response = await asVisitor(chat, `${here.settings.widgetKey}/visits`, {})
    expect([response.headers.get('set-cookie'), response.headers.get('cache-control')]).toEqual([null, 'no-store'])
  })
})

describe('visits', () => {
  test('go on with their token, and are nobody else\'s: a wrong, missing or foreign token is told to begin anew', async () => {
    const [here, elsewhere] = [await site(), await site()]
    const { token } = await visit(chat, here)
    await innocentText(await say(chat, here, token, 'Hi'))
    expect(await visit(chat, here, {}, { token })).toMatchObject({ token, messages: [{ content: 'Hi' }, { content: 'Hello.' }] })
    const guess = await visit(chat, here, {}, { token: newVisitorToken() })
    expect(guess.messages).toEqual([])
    expect(guess.token).not.toBe(token)
    expect((await visit(chat, elsewhere, {}, { token })).messages).toEqual([])
    for (const sending of [{}, { token: newVisitorToken() }, { token: 'short' }]) {
      const refused = await asVisitor(chat, `${here.settings.widgetKey}/messages`, { content: 'Hi' }, sending)
      expect(await refusalOf(refused)).toMatchObject({ status: 401, code: 'unauthenticated' })
    }
    expect(await refusalOf(await say(chat, elsewhere, token, 'Hi'))).toMatchObject({ status: 401 })
  })

  test('of signed-in users are theirs in every browser, with what they said before they signed in', async () => {
    const here = await site()
    const anonymous = await visit(chat, here)
    await innocentText(await say(chat, here, anonymous.token, 'Before'))
    const signed = identityOf(here.settings.identitySecret, 'customer_7')
    const first = await visit(chat, here, signed, { token: anonymous.token })
    expect(first.messages.map(({ content }) => content)).toEqual(['Before', 'Hello.'])
    const second = await visit(chat, here, signed)
    expect(second).toEqual(first)
    await innocentText(await say(chat, here, second.token, 'From the phone'))
    await innocentText(await say(chat, here, first.token, 'From the desk'))
    expect((await visit(chat, here, signed)).messages).toHaveLength(6)
    expect((await visit(chat, here, identityOf(here.settings.identitySecret, 'customer_8'))).messages).toEqual([])
  })

  test('of signed-in users are out of reach without the identity, also for whoever finds their tokens', async () => {
    const here = await site()
    const anonymous = await visit(chat, here)
    const signed = identityOf(here.settings.identitySecret, 'customer_7')
    const theirs = await visit(chat, here, signed, { token: anonymous.token })
    await innocentText(await say(chat, here, theirs.token, 'Secret'))
    expect((await visit(chat, here, {}, { token: theirs.token })).messages).toEqual([])
    expect((await visit(chat, here, {}, { token: anonymous.token })).messages).toEqual([])
    expect(await refusalOf(await say(chat, here, anonymous.token, 'Hi'))).toMatchObject({ status: 401 })
    expect((await visit(chat, here, identityOf(here.settings.identitySecret, 'customer_8'), { token: theirs.token })).messages).toEqual([])
    expect((await visit(chat, here, signed)).messages).toHaveLength(2)
  })

  test('with a wrong signature are refused', async () => {
    const [here, elsewhere] = [await site(), await site()]
    const { identity } = identityOf(here.settings.identitySecret, 'customer_7')
    const wrong = [
      { ...identity, userId: 'customer_8' },
      { ...identity, signature: '0'.repeat(64) },
      identityOf(elsewhere.settings.identitySecret, 'customer_7').identity,
      identityOf(here.settings.widgetKey, 'customer_7').identity
    ]
    for (const forged of wrong) expect(await openRefused(here, { identity: forged })).toMatchObject({ status: 401, code: 'unauthenticated' })
    for (const body of [{ identity: { ...identity, signature: 'abc' } }, { identity: { userId: 'customer_7' } }, { other: 1 }, [], '{']) {
      expect(await openRefused(here, body)).toMatchObject({ status: 400 })
    }
  })

  test('without an identity are refused where the owner requires one, also those begun before', async () => {
    const here = await site()
    const { token } = await visit(chat, here)
    await changeWidget(chat, here, { identityRequired: true })
    expect(await openRefused(here, {}, { token })).toMatchObject({ status: 401, detail: expect.stringContaining('Sign in on this site') })
    expect(await refusalOf(await say(chat, here, token, 'Hi'))).toMatchObject({ status: 401 })
    const { token: known } = await visit(chat, here, identityOf(here.settings.identitySecret, 'customer_7'))
    expect((await say(chat, here, known, 'Hi')).status).toBe(200)
  })

  test('end when the owner replaces the secret: neither their signature nor their token is believed any more', async () => {
    const here = await site()
    const signed = identityOf(here.settings.identitySecret, 'customer_7')
    const { token } = await visit(chat, here, signed)
    const anonymous = await visit(chat, here)
    const rotated = await changeWidget(chat, here, { rotateIdentitySecret: true })
    expect(rotated).toEqual({ ...here.settings, identitySecret: expect.stringMatching(/^wsec_[\w-]{43}$/) })
    expect(rotated.identitySecret).not.toBe(here.settings.identitySecret)
    expect(await openRefused(here, signed)).toMatchObject({ status: 401 })
    expect(await refusalOf(await say(chat, here, token, 'Hi'))).toMatchObject({ status: 401 })
    const renewed = await visit(chat, here, identityOf(rotated.identitySecret, 'customer_7'))
    expect((await say(chat, here, renewed.token, 'Hi')).status).toBe(200)
    expect((await say(chat, here, anonymous.token, 'Hi')).status).toBe(200)
  })
})

describe('the settings', () => {
  test('are made switched off when first read, and stay as they are', async () => {
    const fresh = { user: 'user_fresh', chatbotId: await openBot(chat, 'user_fresh') }
    const first = await settingsOf(chat, fresh)
    expect(first).toEqual({
      chatbotId: fresh.chatbotId,
      widgetKey: expect.stringMatching(/^wgt_[\w-]{16}$/),
      enabled: false,
      allowedOrigins: [],
      messagesPerVisitorPerHour: 30,
      unavailableMessage: 'Sorry, I cannot answer right now. Please try again later.',
      identityRequired: false,
      identitySecret: expect.stringMatching(/^wsec_[\w-]{43}$/),
      lastRefusal: null
    })
    expect(await settingsOf(chat, fresh)).toEqual(first)
  })

  test('keep to one form of an origin, and refuse what would widen the policy of the page', async () => {
    const here = await site()
    const { allowedOrigins } = await changeWidget(chat, here, { allowedOrigins: ['HTTPS://Shop.Example:443/', 'http://localhost:8080'] })
    expect(allowedOrigins).toEqual(['https://shop.example', 'http://localhost:8080'])
    for (const origin of ['*', 'https://*.example.com', 'https://a.example;script-src', 'https://a.example/path', 'javascript:alert(1)', 'https://a.example b']) {
      const refused = await send(chat, here.user, `/api/chatbots/${here.chatbotId}/widget`, { allowedOrigins: [origin] }, { method: 'PATCH' })
      expect([origin, refused.status]).toEqual([origin, 400])
    }
    expect((await settingsOf(chat, here)).allowedOrigins).toEqual(allowedOrigins)
  })

  test('are the owner\'s: another account finds nothing to read or change', async () => {
    const here = await site()
    const path = `/api/chatbots/${here.chatbotId}/widget`
    expect((await send(chat, 'user_stranger', path)).status).toBe(404)
    expect((await send(chat, 'user_stranger', path, { enabled: false }, { method: 'PATCH' })).status).toBe(404)
    expect((await fetch(`${chat.origin}${path}`)).status).toBe(401)
    expect((await settingsOf(chat, here)).enabled).toBe(true)
  })
})
