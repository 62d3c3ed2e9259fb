import { beforeAll, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { conversationSchema } from '../../src/contract/conversations.ts'
import { pageOf } from '../../src/contract/page.ts'
import { transports } from '../support/database.ts'
import { ask, type Chat, JSON_ANSWER, messagesOf, openRoom, problemOf, send, startChat, usedOf } from './chat.ts'
import { bearer } from './test-app.ts'

describe.each(transports)('conversations over %s', (transport) => {
  let chat: Chat
  let users = 0

  beforeAll(async () => {
    chat = await startChat({ transport, extractive: true })
  })

  async function bot() {
    users += 1
    const room = await openRoom(chat, `user_${users}`)
    return { ...room, list: `/api/chatbots/${room.chatbotId}/conversations`, one: room.path.replace(/\/messages$/, '') }
  }
  const conversationOf = async (response: Response) => z.strictObject(conversationSchema.shape).parse(await response.json())

  test('are opened with a title, or with no body at all, and read back', async () => {
    const here = await bot()
    const created = await send(chat, here.user, here.list, { title: '  Refunds? ', channel: 'playground' })
    const conversation = await conversationOf(created)
    expect(created.status).toBe(201)
    expect(conversation).toMatchObject({ title: 'Refunds?', channel: 'playground', chatbotId: here.chatbotId })
    expect(created.headers.get('location')).toBe(`${here.list}/${conversation.conversationId}`)
    expect(await conversationOf(await send(chat, here.user, `${here.list}/${conversation.conversationId}`))).toEqual(conversation)

    const bare = await fetch(chat.origin + here.list, { method: 'POST', headers: await bearer(here.user) })
    expect(await conversationOf(bare)).toMatchObject({ title: '', channel: 'api' })
  })

  test('are listed with the one last spoken in first, page by page', async () => {
    const here = await bot()
    for (const title of ['second', 'third']) await send(chat, here.user, here.list, { title })
    await ask(chat, here, 'Hello', { headers: JSON_ANSWER })
    const page = async (query: string) => pageOf(conversationSchema).parse(await (await send(chat, here.user, here.list + query)).json())
    const first = await page('?limit=2')
    const second = await page(`?limit=2&cursor=${first.nextCursor}`)
    expect([...first.data, ...second.data].map(({ title }) => title)).toEqual(['A talk', 'third', 'second'])
    expect(second.nextCursor).toBeNull()
  })

  test('repeated with the same Idempotency-Key are opened once', async () => {
    const here = await bot()
    const key = { headers: { 'Idempotency-Key': 'open-1' } }
    const first = await conversationOf(await send(chat, here.user, here.list, { title: 'x' }, key))
    const again = await send(chat, here.user, here.list, { title: 'x' }, key)
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
    expect(await conversationOf(again)).toEqual(first)
    expect((await send(chat, here.user, here.list, { title: 'y' }, key)).status).toBe(422)
  })

  test('that are deleted are gone with their messages; what they used stays used', async () => {
    const here = await bot()
    await ask(chat, here, 'Hello', { headers: JSON_ANSWER })
    expect((await messagesOf(chat, here)).data).toHaveLength(2)
    const remove = () => send(chat, here.user, here.one, undefined, { method: 'DELETE' })
    expect((await remove()).status).toBe(204)
    expect((await remove()).status).toBe(404)
    expect((await send(chat, here.user, here.path)).status).toBe(404)
    expect((await send(chat, here.user, here.one)).status).toBe(404)
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
  })

  test('of other accounts and other bots are 404, whatever is done', async () => {
    const here = await bot()
    const stranger = await bot()
    const crossed = `${stranger.list}/${here.conversationId}`
    const answers = [
      await send(chat, stranger.user, here.list),
      await send(chat, stranger.user, here.list, {}),
      await send(chat, stranger.user, here.one),
      await send(chat, stranger.user, here.one, undefined, { method: 'DELETE' }),
      await send(chat, stranger.user, crossed),
      await send(chat, stranger.user, crossed, undefined, { method: 'DELETE' })
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
    expect((await send(chat, here.user, here.one)).status).toBe(200)
  })

  test('with faulty fields are refused by name', async () => {
    const here = await bot()
    const faulty: [object, string][] = [
      [{ title: 'x'.repeat(201) }, 'title'],
      [{ channel: 'widget' }, 'channel'],
      [{ subject: 'x' }, 'subject']
    ]
    for (const [body, field] of faulty) {
      const refused = await send(chat, here.user, here.list, body)
      expect([refused.status, (await problemOf(refused)).errors?.[0]?.field]).toEqual([400, field])
    }
    expect((await send(chat, here.user, '/api/chatbots/not-an-id/conversations')).status).toBe(400)
  })
})
