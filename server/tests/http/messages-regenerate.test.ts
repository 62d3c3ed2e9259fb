import { beforeAll, describe, expect, test } from '@jest/globals'
import { brokenInvariants } from '../support/invariants.ts'
import {
  answerOf, ask, type Chat, JSON_ANSWER, messagesOf, newestOf, openRoom, problemOf, readChunks, type Room, send, startChat, toMessage, usedOf
} from './chat.ts'

let chat: Chat
let users = 0

beforeAll(async () => {
  chat = await startChat()
})

/** answered is a room with the questions `Hi` and `How long?`, both answered, and the id of the last answer. */
async function answered(): Promise<{ here: Room; last: string }> {
  users += 1
  const here = await openRoom(chat, `user_${users}`)
  chat.openai.answerAll(['Hello.'])
  await ask(chat, here, 'Hi', { headers: JSON_ANSWER })
  chat.openai.answerAll(['Ten days.'], { prompt: 10, completion: 3 })
  const { message } = await answerOf(await ask(chat, here, 'How long?', { headers: JSON_ANSWER }))
  return { here, last: message.messageId }
}

const anew = (here: Room, replaces: string, options: { content?: string; headers?: Record<string, string> } = {}): Promise<Response> =>
  send(chat, here.user, here.path, { content: options.content ?? 'How long?', channel: 'playground', replaces }, { headers: options.headers ?? JSON_ANSWER })

const contentsOf = async (here: Room): Promise<string[]> => (await messagesOf(chat, here)).data.map(({ content }) => content)

describe('an answer given anew', () => {
  test('replaces the last one, to the same question, and costs what any answer costs', async () => {
    const { here, last } = await answered()
    chat.openai.answerAll(['Fourteen days.'], { prompt: 12, completion: 3 })
    const answer = await anew(here, last)
    expect(answer.status).toBe(201)
    expect((await answerOf(answer)).usage.used).toBe(3)
    expect(await contentsOf(here)).toEqual(['Fourteen days.', 'How long?', 'Hello.', 'Hi'])
    expect(await usedOf(chat, here.user, 'messages')).toBe(3)
  })

  test('is made without the old one, and the question is asked once; so are the answers after it', async () => {
    const { here, last } = await answered()
    await anew(here, last)
    const hello = [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Hello.' }]
    expect(chat.openai.requests.at(-1)?.messages.slice(1)).toEqual([...hello, { role: 'user', content: 'How long?' }])
    chat.openai.answerAll(['Good.'])
    const { messageId } = await newestOf(chat, here)
    await anew(here, messageId)
    await ask(chat, here, 'Sure?', { headers: JSON_ANSWER })
    expect(chat.openai.requests.at(-1)?.messages.slice(1)).toEqual([
      ...hello,
      { role: 'user', content: 'How long?' },
      { role: 'assistant', content: 'Good.' },
      { role: 'user', content: 'Sure?' }
    ])
  })

  test('streams under its own id, with the id of the question that was there', async () => {
    const { here, last } = await answered()
    const question = (await messagesOf(chat, here)).data[1]
    const message = await toMessage(await readChunks(await anew(here, last, { headers: {} })))
    expect(message.id).not.toBe(last)
    expect(message.metadata).toEqual({ conversationId: here.conversationId, userMessageId: question?.messageId })
  })

  test('that fails costs nothing and loses nothing, and may be asked for again', async () => {
    const { here, last } = await answered()
    const next = chat.openai.next()
    const asked = anew(here, last)
    const exchange = await next
    exchange.refuse(401, { message: 'no' })
    expect((await asked).status).toBe(503)
    expect(await contentsOf(here)).toEqual(['', 'Ten days.', 'How long?', 'Hello.', 'Hi'])
    expect(await usedOf(chat, here.user, 'messages')).toBe(2)
    chat.openai.answerAll(['Fourteen days.'])
    expect((await anew(here, last)).status).toBe(201)
    expect(await contentsOf(here)).toEqual(['Fourteen days.', 'How long?', 'Hello.', 'Hi'])
  })

  test('is given once per Idempotency-Key', async () => {
    const { here, last } = await answered()
    const headers = { ...JSON_ANSWER, 'Idempotency-Key': 'anew-1' }
    const first = await answerOf(await anew(here, last, { headers }))
    const again = await anew(here, last, { headers })
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
    expect((await answerOf(again)).message).toEqual(first.message)
    expect((await ask(chat, here, 'How long?', { headers })).status).toBe(422)
    expect(await usedOf(chat, here.user, 'messages')).toBe(3)
  })

  test('is refused for another question, for an answer that was followed or replaced, and for what is not there', async () => {
    const { here, last } = await answered()
    const { here: other } = await answered()
    const rows = (await messagesOf(chat, here)).data
    const refusals: [Promise<Response>, number, string][] = [
      [anew(here, last, { content: 'How short?' }), 400, 'content must be the question'],
      [anew(here, rows[2]?.messageId ?? '', { content: 'Hi' }), 400, 'only the last answer'],
      [anew(here, rows[1]?.messageId ?? ''), 404, 'no such answer'],
      [anew(other, last), 404, 'no such answer'],
      [anew(here, 'no-id'), 400, 'replaces']
    ]
    for (const [refusal, status, sentence] of refusals) {
      const answer = await refusal
      const { code, detail } = await problemOf(answer)
      expect([answer.status, detail]).toEqual([status, expect.stringContaining(sentence)])
      expect(code).toMatch(/^(invalid_argument|invalid_request|not_found)$/)
    }
    await anew(here, last)
    expect((await anew(here, last)).status).toBe(400)
    expect(await usedOf(chat, here.user, 'messages')).toBe(3)
  })

  test('leaves every invariant whole', async () => {
    expect(await brokenInvariants(chat.owner)).toEqual([])
  })
})
