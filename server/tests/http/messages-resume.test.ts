import { beforeAll, describe, expect, test } from '@jest/globals'
import type { UIMessageChunk } from 'ai'
import { RunningAnswers } from '../../src/llm/running-answers.ts'
import { estimateTokens } from '../../src/llm/tokens.ts'
import type { Exchange } from '../support/openai-server.ts'
import { brokenInvariants } from '../support/invariants.ts'
import {
  anotherInstance, ask, type Chat, chunksOf, JSON_ANSWER, ledgerOf, listen, newestOf, openRoom, problemOf, readChunks, type Room, send, startChat,
  toMessage, usedOf
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

type Streaming = { here: Room; exchange: Exchange; response: Response; path: string; messageId: string }

/** streaming is an answer of which the first words have arrived, and the path under which it is found after a reload. */
async function streaming(): Promise<Streaming> {
  const here = await room()
  const next = chat.openai.next()
  const asked = ask(chat, here, 'Tell me everything.')
  const exchange = await next
  exchange.say('Half an ')
  const response = await asked
  const { messageId } = await newestOf(chat, here)
  return { here, exchange, response, messageId, path: `${here.path}/${messageId}/stream` }
}

const textOf = (chunks: readonly UIMessageChunk[]): string[] => chunks.flatMap((chunk) => (chunk.type === 'text-delta' ? [chunk.delta] : []))

describe('an answer that is streamed again', () => {
  test('after a reload in the middle gives all of the text once and in order, as the first stream does', async () => {
    const { here, exchange, response, path, messageId } = await streaming()
    const resumed = await send(chat, here.user, path)
    expect([resumed.status, resumed.headers.get('x-vercel-ai-ui-message-stream')]).toEqual([200, 'v1'])
    const parts = chunksOf(resumed)
    const seen: UIMessageChunk[] = []
    // What was written so far is there before anything more is said.
    while (textOf(seen).join('') !== 'Half an ') seen.push((await parts.next()).value)
    exchange.say('answer ')
    exchange.say('is whole.')
    exchange.finish({ prompt: 20, completion: 6 })
    for await (const chunk of parts) seen.push(chunk)
    expect(textOf(seen)).toEqual(['Half an ', 'answer ', 'is whole.'])
    expect(seen).toEqual(await readChunks(response))
    expect((await toMessage(seen)).id).toBe(messageId)
    expect(seen.map(({ type }) => type).slice(-2)).toEqual(['data-usage', 'finish'])
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(26)
  })

  test('goes on for those who stay when the others leave', async () => {
    const { here, exchange, response, path } = await streaming()
    const leaving = new AbortController()
    const left = await send(chat, here.user, path, undefined, { signal: leaving.signal })
    const stays = await send(chat, here.user, path)
    leaving.abort()
    await expect(left.text()).rejects.toThrow('aborted')
    await response.body?.cancel()
    exchange.say('answer.')
    exchange.finish()
    expect(textOf(await readChunks(stays)).join('')).toBe('Half an answer.')
  })

  test('is not held up by listeners who read nothing, and has all of it for them when they do', async () => {
    const { here, exchange, response, path, messageId } = await streaming()
    const idle = await send(chat, here.user, path)
    // More than any socket buffers.
    const flood = 'word '.repeat(200_000)
    exchange.say(flood)
    exchange.finish()
    await chat.server.parts.answers.settled(messageId)
    expect(await newestOf(chat, here)).toMatchObject({ status: 'complete' })
    for (const late of [idle, response]) expect(textOf(await readChunks(late)).join('') === `Half an ${flood}`).toBe(true)
  })

  test('and stopped ends for both listeners, and costs what was streamed', async () => {
    const { here, exchange, response, path, messageId } = await streaming()
    const resumed = await send(chat, here.user, path)
    const stopped = await send(chat, here.user, `${here.path}/${messageId}/stop`, {})
    expect([stopped.status, await stopped.json()]).toEqual([200, { messageId, status: 'stopped' }])
    await exchange.closed
    const [first, second] = await Promise.all([readChunks(response), readChunks(resumed)])
    expect(second).toEqual(first)
    expect(second.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
    expect(textOf(second)).toEqual(['Half an '])
    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ status: 'stopped', content: 'Half an ', outputTokens: estimateTokens('Half an ') })
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe((stored.inputTokens ?? 0) + (stored.outputTokens ?? 0))
    expect(await ledgerOf(chat, here.user, 'messages')).toEqual(['reserve 1'])
  })

  test('that has ended is told from what is stored', async () => {
    const here = await room()
    chat.openai.answerAll(['Yes, ', 'it is.'], { prompt: 10, completion: 4 })
    await ask(chat, here, 'Is it?', { headers: JSON_ANSWER })
    const { messageId } = await newestOf(chat, here)
    const message = await toMessage(await readChunks(await send(chat, here.user, `${here.path}/${messageId}/stream`)))
    expect(message.id).toBe(messageId)
    expect(message.parts).toMatchObject([
      { type: 'text', text: 'Yes, it is.' },
      { type: 'data-usage', data: { status: 'complete', messagesUsed: 1, inputTokens: 10, outputTokens: 4 } }
    ])
  })

  test('that failed gives what it had and then the problem, also when it is told from what is stored', async () => {
    const { here, exchange, response, path } = await streaming()
    const resumed = await send(chat, here.user, path)
    exchange.cut()
    const streams = [response, resumed]
    const first = await Promise.all(streams.map(readChunks))
    for (const chunks of [...first, await readChunks(await send(chat, here.user, path))]) {
      expect(textOf(chunks).join('')).toBe('Half an ')
      const last = chunks.at(-1)
      expect(JSON.parse(last?.type === 'error' ? last.errorText : '{}')).toMatchObject({ code: 'model_unavailable', status: 503 })
    }
    expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  })

  test('through another instance is a 409 to repeat in a second, until it is finished', async () => {
    const { here, exchange, response, path } = await streaming()
    const origin = await anotherInstance(chat)
    const early = await send(chat, here.user, path, undefined, { origin })
    expect([early.status, early.headers.get('retry-after')]).toEqual([409, '1'])
    expect(await problemOf(early)).toMatchObject({ code: 'request_in_progress', resolutions: [{ action: 'retry', afterSeconds: 1 }] })
    exchange.say('answer.')
    exchange.finish()
    await readChunks(response)
    const late = await send(chat, here.user, path, undefined, { origin })
    expect(textOf(await readChunks(late)).join('')).toBe('Half an answer.')
  })

  test('and ends between the two looks is told from what is stored', async () => {
    const { here, exchange, response, path, messageId } = await streaming()
    const answers = new (class extends RunningAnswers {
      override follow(id: string): null {
        expect(id).toBe(messageId)
        return null
      }
    })()
    let reads = 0
    const db = {
      rpc: async (...call: Parameters<typeof chat.server.parts.db.rpc>) => {
        const rows = await chat.server.parts.db.rpc(...call)
        if (call[0] === 'read_message' && (reads += 1) === 1) {
          exchange.finish()
          await readChunks(response)
        }
        return rows
      },
      close: () => Promise.resolve()
    }
    const origin = await listen({ ...chat.server.parts, db, answers })
    expect(textOf(await readChunks(await send(chat, here.user, path, undefined, { origin }))).join('')).toBe('Half an ')
    expect(reads).toBe(2)
  })

  test('of others, of another room, unknown ones and questions are not there', async () => {
    const { here, exchange, response, path, messageId } = await streaming()
    const other = await room()
    const question = await chat.owner.query<{ id: string }>(
      `select id from app.messages where account_id = $1 and role = 'user'`,
      [here.user]
    )
    const wrong = [
      send(chat, other.user, path),
      send(chat, other.user, `${other.path}/${messageId}/stream`),
      send(chat, here.user, path.replace(here.chatbotId, other.chatbotId)),
      send(chat, here.user, path.replace(messageId, '00000000-0000-4000-8000-000000000000')),
      send(chat, here.user, path.replace(messageId, question.rows[0]?.id ?? ''))
    ]
    for (const answer of await Promise.all(wrong)) expect([answer.status, (await problemOf(answer)).code]).toEqual([404, 'not_found'])
    exchange.finish()
    await readChunks(response)
  })

  test('leaves every invariant whole', async () => {
    expect(chat.server.parts.answers.size).toBe(0)
    expect(await brokenInvariants(chat.owner)).toEqual([])
  })
})
