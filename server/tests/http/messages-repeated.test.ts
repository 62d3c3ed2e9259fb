import { beforeAll, describe, expect, test } from '@jest/globals'
import { answerOf, ask, type Chat, JSON_ANSWER, messagesOf, openRoom, problemOf, readChunks, type Room, startChat, toMessage, usedOf } from './chat.ts'

let chat: Chat
let users = 0

beforeAll(async () => {
  chat = await startChat()
})

async function room(): Promise<Room> {
  users += 1
  return openRoom(chat, `user_${users}`)
}

function key(value: string, more: Record<string, string> = {}): { headers: Record<string, string> } {
  return { headers: { 'Idempotency-Key': value, ...more } }
}

describe('a question that is repeated with the same Idempotency-Key', () => {
  test('gets the same answer without a second charge, as JSON and as a stream', async () => {
    const here = await room()
    chat.openai.answerAll(['Same ', 'answer.'], { prompt: 40, completion: 2 })
    const first = await answerOf(await ask(chat, here, 'Hi', key('k1', JSON_ANSWER)))
    const requests = chat.openai.requests.length
    const again = await ask(chat, here, 'Hi', key('k1', JSON_ANSWER))
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
    expect(await answerOf(again)).toEqual(first)

    const streamed = await ask(chat, here, 'Hi', key('"k1"'))
    expect(streamed.headers.get('idempotent-replayed')).toBe('true')
    const message = await toMessage(await readChunks(streamed))
    expect(message.id).toBe(first.message.messageId)
    expect(message.parts[0]).toMatchObject({ type: 'text', text: 'Same answer.' })
    expect(message.parts.at(-1)).toMatchObject({ type: 'data-usage', data: { messagesUsed: 1, inputTokens: 40, outputTokens: 2 } })
    expect(chat.openai.requests.length).toBe(requests)
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(42)
  })

  test('is answered 409 while it is being answered, 422 with another question', async () => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi', key('k2', JSON_ANSWER))
    const exchange = await next
    const early = await ask(chat, here, 'Hi', key('k2'))
    expect([early.status, (await problemOf(early)).code, early.headers.get('retry-after')]).toEqual([409, 'request_in_progress', '1'])
    const other = await ask(chat, here, 'Something else', key('k2'))
    expect([other.status, (await problemOf(other)).code]).toEqual([422, 'request_id_reused'])
    exchange.say('Done.')
    exchange.finish()
    expect((await asked).status).toBe(201)
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
  })

  test('is tried again after a failure, which had cost nothing', async () => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi', key('k3', JSON_ANSWER))
    ;(await next).refuse(400, { message: 'no' })
    expect((await asked).status).toBe(503)
    chat.openai.answerAll(['Now it works.'])
    const again = await ask(chat, here, 'Hi', key('k3', JSON_ANSWER))
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, null])
    expect((await answerOf(again)).message.content).toBe('Now it works.')
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
  })

  test('twenty times at once is answered once', async () => {
    const here = await room()
    chat.openai.answerAll(['Once.'])
    const requests = chat.openai.requests.length
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(chat, here, 'Hi', key('k4', JSON_ANSWER))))
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(chat.openai.requests.length).toBe(requests + 1)
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
    expect((await messagesOf(chat, here)).data).toHaveLength(2)
  })

  test('an old answer is found again below a hundred newer ones', async () => {
    const here = await room()
    await chat.owner.query(`update app.plan_quotas set quota = 1000 where plan = 'free' and metric in ('messages', 'api_calls')`)
    chat.openai.answerAll(['Old.'], { prompt: 1, completion: 1 })
    const first = await answerOf(await ask(chat, here, 'Hi', key('k5', JSON_ANSWER)))
    await chat.owner.query(
      `insert into app.messages (account_id, conversation_id, role, status, content)
       select $1, $2, 'user', 'complete', 'filler' from generate_series(1, 250)`,
      [here.user, here.conversationId]
    )
    expect((await answerOf(await ask(chat, here, 'Hi', key('k5', JSON_ANSWER)))).message).toEqual(first.message)
  })
})
