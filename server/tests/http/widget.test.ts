import { beforeAll, describe, expect, test } from '@jest/globals'
import { parseJsonEventStream, type UIMessageChunk, uiMessageChunkSchema } from 'ai'
import { z } from 'zod'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type Chat, send, setQuota, startChat, toMessage, usedOf } from './chat.ts'
import { asVisitor, changeWidget, innocentText, openSite, refusalOf, say, settingsOf, type Site, visit } from './widget-site.ts'

async function chunksOf(text: string): Promise<UIMessageChunk[]> {
  const stream = new Response(text).body
  if (stream === null) throw new Error('The text is no stream.')
  const chunks: UIMessageChunk[] = []
  const reader = parseJsonEventStream({ stream, schema: uiMessageChunkSchema }).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) if (part.value.success) chunks.push(part.value.value)
  return chunks
}

describe.each(transports)('visitors of a widget over %s', (transport) => {
  let chat: Chat
  let users = 0

  beforeAll(async () => {
    chat = await startChat({ transport })
  })

  const site = (change: object = {}): Promise<Site> => openSite(chat, `user_${(users += 1)}`, change)

  test('read a streamed answer with its citations, and no number of the account\'s', async () => {
    const here = await site()
    await send(chat, here.user, `/api/chatbots/${here.chatbotId}/documents`, { name: 'handbook.md', text: '# Refunds\nRefunds take 14 days.' })
    chat.openai.answerAll(['Fourteen ', 'days [1].'], { prompt: 200, completion: 9 })
    const { token, ...opened } = await visit(chat, here)
    expect(opened).toEqual({ chatbotName: 'Helpdesk', welcomeMessage: 'Hello!', messages: [] })

    const answer = await say(chat, here, token, 'How long do refunds take?')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
    const text = await innocentText(answer)
    expect(text).toContain('[DONE]')
    const citation = { number: 1, documentId: expect.any(String), documentName: 'handbook.md', place: 1, excerpt: '# Refunds Refunds take 14 days.' }
    expect((await toMessage(await chunksOf(text))).parts).toEqual([
      expect.objectContaining({ type: 'text', text: 'Fourteen days [1].', state: 'done' }),
      expect.objectContaining({ type: 'source-document', title: 'handbook.md' }),
      expect.objectContaining({ type: 'data-citation', data: citation })
    ])
    expect((await visit(chat, here, {}, { token })).messages).toEqual([
      { messageId: expect.any(String), role: 'user', status: 'complete', content: 'How long do refunds take?', citations: [], createdAt: expect.stringMatching(/Z$/) },
      { messageId: expect.any(String), role: 'assistant', status: 'complete', content: 'Fourteen days [1].', citations: [citation], createdAt: expect.stringMatching(/Z$/) }
    ])
  })

  test('are charged to the owner under the channel widget', async () => {
    const here = await site()
    chat.openai.answerAll(['Hello.'], { prompt: 30, completion: 2 })
    const { token } = await visit(chat, here)
    await innocentText(await say(chat, here, token, 'Hi'))
    const { rows } = await chat.owner.query(
      `select metric, channel, chatbot_id, sum(amount)::int as amount from app.usage_events
       where account_id = $1 and metric <> 'chatbots' group by metric, channel, chatbot_id order by metric`,
      [here.user]
    )
    expect(rows).toEqual([
      { metric: 'llm_tokens', channel: 'widget', chatbot_id: here.chatbotId, amount: 32 },
      { metric: 'messages', channel: 'widget', chatbot_id: here.chatbotId, amount: 1 }
    ])
    expect(await brokenInvariants(chat.owner)).toEqual([])
  })

  test('make a conversation with the first message, which the owner finds; looking makes none', async () => {
    const here = await site()
    chat.openai.answerAll(['Hello.'])
    const { token } = await visit(chat, here)
    const conversations = async (): Promise<unknown> => (await send(chat, here.user, `/api/chatbots/${here.chatbotId}/conversations`)).json()
    expect(await conversations()).toMatchObject({ data: [] })
    await innocentText(await say(chat, here, token, 'Where is my order?'))
    expect(await conversations()).toMatchObject({ data: [{ channel: 'widget', title: 'Where is my order?' }] })
  })

  test('read exactly the owner\'s sentence when a quota is used up; the owner reads why, with the request', async () => {
    const here = await site({ unavailableMessage: 'We are having <a break>; write to help@example.com.' })
    await setQuota(chat, here.user, 'messages', 1)
    chat.openai.answerAll(['Hello.'])
    const { token } = await visit(chat, here)
    await innocentText(await say(chat, here, token, 'Hi'))
    const requests = chat.openai.requests.length
    const refused = await say(chat, here, token, 'Hi again')
    expect(refused.headers.get('retry-after')).toBeNull()
    const problem = await refusalOf(refused)
    expect(problem).toEqual({
      type: '/docs/problems#widget_unavailable',
      title: 'Chat unavailable',
      status: 503,
      code: 'widget_unavailable',
      detail: 'We are having <a break>; write to help@example.com.',
      requestId: refused.headers.get('x-request-id'),
      instance: `/widget/${here.settings.widgetKey}/messages`
    })
    expect(chat.openai.requests).toHaveLength(requests)
    expect((await settingsOf(chat, here)).lastRefusal).toEqual({ at: expect.stringMatching(/Z$/), cause: 'messages: 1 of 1 used', requestId: problem['requestId'] })
    expect(chat.server.log.some((line) => line.includes('messages: 1 of 1 used') && line.includes(String(problem['requestId'])))).toBe(true)
    // Whoever runs the service is not to be woken by an owner who is out of quota.
    const lines = chat.server.log.filter((line) => line.includes(String(problem['requestId'])))
    expect(lines.map((line) => z.object({ level: z.number() }).parse(JSON.parse(line)).level)).toEqual([40, 30])
  })

  test('read the same sentence when the cap of the chatbot is reached, its plan does not hold it, or the account is closed', async () => {
    const here = await site({ unavailableMessage: 'Back soon.' })
    const { token } = await visit(chat, here)
    const refusals = async (responses: Promise<Response>[]): Promise<void> => {
      for (const response of await Promise.all(responses)) {
        expect(await refusalOf(response)).toMatchObject({ status: 503, code: 'widget_unavailable', detail: 'Back soon.' })
      }
    }
    const cap = await send(chat, here.user, `/api/chatbots/${here.chatbotId}`, { monthlyMessageCap: 1 }, { method: 'PATCH' })
    expect(cap.status).toBe(200)
    chat.openai.answerAll(['Hello.'])
    await innocentText(await say(chat, here, token, 'Hi'))
    await refusals([say(chat, here, token, 'Hi')])
    expect((await settingsOf(chat, here)).lastRefusal?.cause).toBe('chatbot_messages: 1 of 1 used')

    await setQuota(chat, here.user, 'chatbots', 0)
    await refusals([say(chat, here, token, 'Hi'), asVisitor(chat, `${here.settings.widgetKey}/visits`, {})])
    expect((await settingsOf(chat, here)).lastRefusal?.cause).toContain('read-only')
    expect((await send(chat, here.user, `/api/chatbots/${here.chatbotId}/widget`, { enabled: false }, { method: 'PATCH' })).status).toBe(402)

    await chat.owner.query('update app.accounts set closed_at = now() where account_id = $1', [here.user])
    await refusals([say(chat, here, token, 'Hi'), asVisitor(chat, `${here.settings.widgetKey}/visits`, {})])
  })

  test('are told of a model that fails without a word of what it costs, before the first word and after', async () => {
    const here = await site()
    const { token } = await visit(chat, here)
    let next = chat.openai.next()
    const refused = say(chat, here, token, 'Hi')
    ;(await next).refuse(400, { message: 'Billing quota exceeded, upgrade your plan.' })
    const problem = await refusalOf(await refused)
    expect(problem).toMatchObject({ status: 503, code: 'model_unavailable', resolutions: [{ action: 'retry', afterSeconds: 5 }] })

    next = chat.openai.next()
    const broken = say(chat, here, token, 'Hi')
    const exchange = await next
    exchange.say('Half')
    const response = await broken
    exchange.cut()
    const text = await innocentText(response)
    expect(text).toContain('model_unavailable')
    expect((await settingsOf(chat, here)).lastRefusal).toBeNull()
    expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  })

  test('have a number of messages in an hour, told with when to go on; a repeat is answered all the same', async () => {
    const here = await site({ messagesPerVisitorPerHour: 2 })
    chat.openai.answerAll(['Hello.'])
    const { token } = await visit(chat, here)
    const first = await say(chat, here, token, 'One', { key: 'one' })
    const told = await toMessage(await chunksOf(await innocentText(first)))
    await innocentText(await say(chat, here, token, 'Two'))
    const third = await say(chat, here, token, 'Three')
    expect(third.headers.get('retry-after')).toMatch(/^3[56]\d\d$/)
    expect(await refusalOf(third)).toMatchObject({ status: 429, code: 'rate_limited', resolutions: [{ action: 'retry' }] })
    const again = await say(chat, here, token, 'One', { key: 'one' })
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
    expect((await toMessage(await chunksOf(await innocentText(again)))).id).toBe(told.id)
    expect((await settingsOf(chat, here)).lastRefusal).toBeNull()
    expect(await usedOf(chat, here.user, 'messages')).toBe(2)
  })

  test('share no request ids: neither another visitor nor the owner is told of a key that a visitor used', async () => {
    const here = await site()
    chat.openai.answerAll(['Hello.'])
    const [one, other] = [await visit(chat, here), await visit(chat, here)]
    await innocentText(await say(chat, here, one.token, 'Mine', { key: 'same' }))
    const theirs = await say(chat, here, other.token, 'Theirs', { key: 'same' })
    expect([theirs.status, theirs.headers.get('idempotent-replayed')]).toEqual([200, null])
    await innocentText(theirs)
    const reused = await refusalOf(await say(chat, here, one.token, 'Another', { key: 'same' }))
    expect(reused).toMatchObject({ status: 422, code: 'request_id_reused' })
    const bot = await send(chat, here.user, `/api/chatbots/${here.chatbotId}/conversations`, { title: 'A' }, { headers: { 'Idempotency-Key': 'same' } })
    expect([bot.status, bot.headers.get('idempotent-replayed')]).toEqual([201, null])
  })

  test('stop their own answer, and no other\'s', async () => {
    const here = await site()
    const elsewhere = await site()
    const [one, other, stranger] = [await visit(chat, here), await visit(chat, here), await visit(chat, elsewhere)]
    const next = chat.openai.next()
    const asked = say(chat, here, one.token, 'Tell me everything', { key: 'long' })
    ;(await next).say('It begins')
    const response = await asked
    const messageId = (await visit(chat, here, {}, { token: one.token })).messages.at(-1)?.messageId ?? ''
    const repeat = await refusalOf(await say(chat, here, one.token, 'Tell me everything', { key: 'long' }))
    expect(repeat).toMatchObject({ status: 409, code: 'request_in_progress', detail: 'This message is still being answered. Please wait a moment.' })
    const stop = (visitedSite: Site, token: string, id: string) => asVisitor(chat, `${visitedSite.settings.widgetKey}/messages/${id}/stop`, {}, { token })
    for (const refused of [stop(here, other.token, messageId), stop(elsewhere, stranger.token, messageId), stop(here, one.token, 'x'), stop(here, one.token, here.chatbotId)]) {
      expect(await refusalOf(await refused)).toMatchObject({ status: 404, code: 'not_found' })
    }
    expect((await refusalOf(await stop(elsewhere, one.token, messageId)))['status']).toBe(401)
    expect((await visit(chat, here, {}, { token: one.token })).messages.at(-1)?.status).toBe('streaming')
    expect((await stop(here, one.token, messageId)).status).toBe(204)
    expect(await innocentText(response)).toContain('"abort"')
    expect((await visit(chat, here, {}, { token: one.token })).messages.at(-1)).toMatchObject({ status: 'stopped', content: 'It begins' })
  })

  test('get nowhere with a widget that is unknown or switched off, also in the middle of a visit', async () => {
    const here = await site()
    const { token } = await visit(chat, here)
    await changeWidget(chat, here, { enabled: false })
    const off = here.settings.widgetKey
    for (const path of [`${off}/visits`, `${off}/messages`, `${off}/messages/${here.chatbotId}/stop`, 'wgt_unknown12/visits', 'x/messages']) {
      expect([path, await refusalOf(await asVisitor(chat, path, { content: 'Hi' }, { token }))]).toEqual([path, expect.objectContaining({ status: 404, code: 'not_found', detail: 'There is no such chat.' })])
    }
  })
})
