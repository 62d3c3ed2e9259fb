import { beforeAll, describe, expect, test } from '@jest/globals'
import { estimateTokens } from '../../src/llm/tokens.ts'
import type { Exchange } from '../support/openai-server.ts'
import {
  anotherInstance, answerOf, ask, type Chat, chunksOf, JSON_ANSWER, messagesOf, newestOf, openRoom, readChunks, type Room, send, startChat,
  usedOf
} from './chat.ts'

let chat: Chat
let users = 0

beforeAll(async () => {
  chat = await startChat()
})

async function room(): Promise<Room> {
  users += 1
  return openRoom(chat, `user_${users}`)
}

type Streaming = { here: Room; exchange: Exchange; response: Response; stopPath: string; messageId: string }

/** streaming is an answer of which the first words have arrived. */
async function streaming(): Promise<Streaming> {
  const here = await room()
  const next = chat.openai.next()
  const asked = ask(chat, here, 'Tell me everything.')
  const exchange = await next
  exchange.say('Half an answer')
  const response = await asked
  const { messageId } = await newestOf(chat, here)
  return { here, exchange, response, messageId, stopPath: `${here.path}/${messageId}/stop` }
}

describe('an answer that is stopped', () => {
  test('keeps and costs what was streamed, tells the stream, and ends the call of the model', async () => {
    const { here, exchange, response, stopPath, messageId } = await streaming()
    const stopped = await send(chat, here.user, stopPath, {})
    expect([stopped.status, await stopped.json()]).toEqual([200, { messageId, status: 'stopped' }])
    await exchange.closed
    const chunks = await readChunks(response)
    expect(chunks.map(({ type }) => type)).toEqual(['start', 'text-start', 'text-delta', 'text-end', 'data-usage', 'abort'])

    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ status: 'stopped', content: 'Half an answer', outputTokens: estimateTokens('Half an answer') })
    expect(stored.inputTokens).toBeGreaterThan(10)
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe((stored.inputTokens ?? 0) + (stored.outputTokens ?? 0))
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
    const again = await send(chat, here.user, stopPath, {})
    expect([again.status, await again.json()]).toEqual([200, { messageId, status: 'stopped' }])
  })

  test('through another instance of the service stops within about a second', async () => {
    const { here, exchange, response, stopPath, messageId } = await streaming()
    const elsewhere = await send(chat, here.user, stopPath, {}, { origin: await anotherInstance(chat) })
    expect([elsewhere.status, await elsewhere.json()]).toEqual([202, { messageId, status: 'streaming' }])
    await exchange.closed
    expect((await readChunks(response)).at(-1)?.type).toBe('abort')
    const stored = await newestOf(chat, here)
    expect(stored.status).toBe('stopped')
  })

  test('before its first word costs no tokens', async () => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi', { headers: JSON_ANSWER })
    const exchange = await next
    const { messageId } = await newestOf(chat, here)
    expect((await send(chat, here.user, `${here.path}/${messageId}/stop`, {})).status).toBe(200)
    await exchange.closed
    expect((await answerOf(await asked)).message).toMatchObject({ status: 'stopped', content: '' })
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(0)
  })

  test('by a shutdown that waits no longer is stored as stopped and charged for what was streamed', async () => {
    const { here, response } = await streaming()
    await chat.server.parts.answers.drain(1)
    expect(chat.server.parts.answers.size).toBe(0)
    expect((await readChunks(response)).at(-1)?.type).toBe('abort')
    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ status: 'stopped', content: 'Half an answer' })
  })

  test('by deleting its conversation ends, and what was streamed is charged', async () => {
    const { here, exchange, response } = await streaming()
    const deleted = await send(chat, here.user, here.path.replace(/\/messages$/, ''), undefined, { method: 'DELETE' })
    expect(deleted.status).toBe(204)
    await exchange.closed
    expect((await readChunks(response)).at(-1)?.type).toBe('abort')
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
  })

  test('cannot be stopped by others, and unknown answers and questions are 404', async () => {
    const { here, exchange, response, stopPath, messageId } = await streaming()
    const stranger = await room()
    expect((await send(chat, stranger.user, stopPath, {})).status).toBe(404)
    expect((await send(chat, stranger.user, `${stranger.path}/${messageId}/stop`, {})).status).toBe(404)
    const [, question] = (await messagesOf(chat, here)).data
    expect((await send(chat, here.user, `${here.path}/${question?.messageId}/stop`, {})).status).toBe(404)
    exchange.say(', and the rest.')
    exchange.finish()
    const last = await readChunks(response)
    expect(last.at(-1)?.type).toBe('finish')
  })

  test('a graceful shutdown lets a stream finish and settle', async () => {
    const { here, exchange, response } = await streaming()
    const drained = chat.server.parts.answers.drain(60_000)
    const chunks = chunksOf(response)
    exchange.say(' and the rest.')
    exchange.finish({ prompt: 5, completion: 5 })
    await drained
    for await (const chunk of chunks) if (chunk.type === 'abort') throw new Error('It was stopped.')
    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ status: 'complete', content: 'Half an answer and the rest.' })
  })
})
