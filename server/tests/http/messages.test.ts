import { beforeAll, describe, expect, test } from '@jest/globals'
import { estimateTokens } from '../../src/llm/tokens.ts'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import {
  answerOf, ask, type Chat, chunksOf, JSON_ANSWER, ledgerOf, messagesOf, newestOf, openRoom, problemOf, readChunks, type Room, send,
  setQuota, startChat, toMessage, usedOf
} from './chat.ts'

describe.each(transports)('answers over %s', (transport) => {
  let chat: Chat
  let users = 0

  beforeAll(async () => {
    chat = await startChat({ transport })
  })

  async function room(): Promise<Room> {
    users += 1
    return openRoom(chat, `user_${users}`)
  }

  async function addHandbook({ user, chatbotId }: Room): Promise<void> {
    const added = await send(chat, user, `/api/chatbots/${chatbotId}/documents`, { name: 'handbook.md', text: '# Refunds\nRefunds take 14 days.' })
    expect(added.status).toBe(201)
  }

  test('stream in the ai SDK\'s protocol, under the id they are stored with, with citations and the usage at the end', async () => {
    const here = await room()
    await addHandbook(here)
    const next = chat.openai.next()
    const asked = ask(chat, here, '  How long do refunds take?  ')
    const exchange = await next
    expect(exchange.request.messages[0]?.content).toContain('Refunds take 14 days.')
    expect(exchange.request.messages.at(-1)).toEqual({ role: 'user', content: 'How long do refunds take?' })
    exchange.say('Fourteen ')
    const response = await asked
    expect(response.status).toBe(200)
    expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
    expect(response.headers.get('cache-control')).toContain('no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    exchange.say('days [1].')
    exchange.finish({ prompt: 200, completion: 9 })

    const message = await toMessage(await readChunks(response))
    const [stored, question] = (await messagesOf(chat, here)).data
    expect(message).toMatchObject({ id: stored?.messageId, metadata: { userMessageId: question?.messageId, conversationId: here.conversationId } })
    const citation = { number: 1, documentName: 'handbook.md', place: 1, excerpt: '# Refunds Refunds take 14 days.' }
    expect(message.parts).toEqual([
      expect.objectContaining({ type: 'text', text: 'Fourteen days [1].', state: 'done' }),
      expect.objectContaining({ type: 'source-document', title: 'handbook.md' }),
      expect.objectContaining({ type: 'data-citation', data: expect.objectContaining(citation) }),
      expect.objectContaining({
        type: 'data-usage',
        data: { status: 'complete', messagesUsed: 1, quota: 100, remaining: 99, resetsAt: expect.stringMatching(/Z$/), inputTokens: 200, outputTokens: 9 }
      })
    ])
    expect(stored).toMatchObject({ role: 'assistant', status: 'complete', content: 'Fourteen days [1].', inputTokens: 200, outputTokens: 9, citations: [citation] })
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(209)
  })

  test('begin with a comment that opens the connection, which the heartbeats follow, and end with [DONE]', async () => {
    const here = await room()
    chat.openai.answerAll(['Hello.'])
    const text = await (await ask(chat, here, 'Hi')).text()
    expect(text.startsWith(': stream-open\n\ndata: {"type":"start"')).toBe(true)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('come as JSON when asked to, also with the earlier messages sent along', async () => {
    const here = await room()
    chat.openai.answerAll(['Hello', ' there.'], { prompt: 30, completion: 3 })
    const first = await ask(chat, here, 'Hi', { headers: JSON_ANSWER })
    expect(first.status).toBe(201)
    expect(await answerOf(first)).toEqual({
      message: {
        messageId: expect.any(String), role: 'assistant', status: 'complete', content: 'Hello there.', citations: [],
        inputTokens: 30, outputTokens: 3, error: null, createdAt: expect.stringMatching(/Z$/), finishedAt: expect.stringMatching(/Z$/)
      },
      usage: { metric: 'messages', used: 1, quota: 100, remaining: 99, resetsAt: expect.stringMatching(/Z$/) }
    })
    await ask(chat, here, 'And again?', { headers: JSON_ANSWER })
    expect(chat.openai.requests.at(-1)?.messages.slice(1)).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello there.' },
      { role: 'user', content: 'And again?' }
    ])
  })

  test('at the limit are refused with 402 before a byte, whether they stream or not; nothing is stored or sent to the model', async () => {
    const here = await room()
    await setQuota(chat, here.user, 'messages', 1)
    chat.openai.answerAll(['Yes.'])
    expect((await ask(chat, here, 'One?', { headers: JSON_ANSWER })).status).toBe(201)
    const requests = chat.openai.requests.length
    for (const headers of [{}, JSON_ANSWER]) {
      const refused = await ask(chat, here, 'Two?', { headers })
      expect([refused.status, refused.headers.get('content-type')]).toEqual([402, 'application/problem+json; charset=utf-8'])
      expect(await problemOf(refused)).toMatchObject({
        code: 'quota_exceeded',
        detail: expect.stringContaining('1 of 1 messages are used'),
        limit: { metric: 'messages', used: 1, quota: 1, remaining: 0, requested: 1 },
        resolutions: [{ action: 'upgrade' }, { action: 'wait' }]
      })
    }
    expect(chat.openai.requests.length).toBe(requests)
    expect((await messagesOf(chat, here)).data).toHaveLength(2)
  })

  test('whose tokens do not fit are refused with the numbers of llm_tokens', async () => {
    const here = await room()
    await setQuota(chat, here.user, 'llm_tokens', 1000)
    const refused = await ask(chat, here, 'Hi')
    expect(refused.status).toBe(402)
    expect((await problemOf(refused)).limit).toMatchObject({ metric: 'llm_tokens', used: 0, quota: 1000, requested: expect.any(Number) })
    expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  })

  test('two at once at the last unit: exactly one passes', async () => {
    const here = await room()
    await setQuota(chat, here.user, 'messages', 1)
    chat.openai.answerAll(['Yes.'])
    const answers = await Promise.all(['One?', 'Two?', 'Three?'].map((question) => ask(chat, here, question, { headers: JSON_ANSWER })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 402, 402])
    expect(await usedOf(chat, here.user, 'messages')).toBe(1)
  })

  test('that fail before the first word are a 503 that costs nothing, and the ledger shows what was given back', async () => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi', { channel: 'api' })
    const exchange = await next
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBeGreaterThan(1024)
    exchange.refuse(401, { message: 'Incorrect API key provided: sk-operator-0001', code: 'invalid_api_key' })
    const failed = await asked
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '5'])
    const text = await failed.text()
    expect(JSON.parse(text)).toMatchObject({ code: 'model_unavailable', resolutions: [{ action: 'retry' }], requestId: failed.headers.get('x-request-id') })
    // Not "401" alone: ids in the body may hold those digits.
    expect(text).not.toMatch(/sk-operator|API key|status 401/)
    for (const metric of ['messages', 'llm_tokens', 'api_calls']) {
      expect([metric, await usedOf(chat, here.user, metric)]).toEqual([metric, 0])
      const [reserved, released] = await ledgerOf(chat, here.user, metric)
      expect(reserved).toMatch(/^reserve \d+$/)
      expect(released?.split(' ')[1]).toBe(`-${reserved?.split(' ')[1]}`)
    }
    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ status: 'failed', error: 'The language model answered with HTTP status 401.', inputTokens: null })
    expect(chat.server.log.join('')).not.toContain('sk-operator-0001')
  })

  test.each([
    ['an error event', '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}}'],
    ['garbage', '{not json']
  ])('that break off by %s end with an error part and cost nothing; the partial text is kept', async (_name, data) => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi')
    const exchange = await next
    exchange.say('Half of ')
    const response = await asked
    exchange.raw(data)
    const chunks = await readChunks(response)
    const last = chunks.at(-1)
    expect(last?.type).toBe('error')
    const problem = JSON.parse(last?.type === 'error' ? last.errorText : '')
    expect(problem).toMatchObject({ code: 'model_unavailable', status: 503, instance: here.path, requestId: response.headers.get('x-request-id') })
    expect(JSON.stringify(chunks)).not.toContain('exceeded')
    await expect(toMessage(chunks)).rejects.toThrow('model_unavailable')
    expect(await usedOf(chat, here.user, 'messages')).toBe(0)
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(0)
    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ status: 'failed', content: 'Half of ' })
  })

  test('a JSON answer that breaks off in the middle is a 503 too', async () => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi', { headers: JSON_ANSWER })
    const exchange = await next
    exchange.say('Half')
    exchange.cut()
    const failed = await asked
    expect([failed.status, (await problemOf(failed)).code]).toEqual([503, 'model_unavailable'])
    expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  })

  test('go on when the client disconnects, and are stored and charged', async () => {
    const here = await room()
    const next = chat.openai.next()
    const leaving = new AbortController()
    const asked = ask(chat, here, 'Hi', { signal: leaving.signal })
    const exchange = await next
    exchange.say('Half ')
    const response = await asked
    const chunks = chunksOf(response)
    await chunks.next()
    const streaming = await newestOf(chat, here)
    expect(streaming).toMatchObject({ role: 'assistant', status: 'streaming', content: '' })
    leaving.abort()
    await expect(Array.fromAsync(chunks)).rejects.toThrow('aborted')
    // More than any socket buffers: a vanished reader must not hold up the rest.
    const flood = 'word '.repeat(200_000)
    exchange.say(flood)
    exchange.say('the end')
    exchange.finish({ prompt: 10, completion: 3 })
    await chat.server.parts.answers.settled(streaming.messageId)
    const stored = await newestOf(chat, here)
    expect(stored).toMatchObject({ messageId: streaming.messageId, status: 'complete', outputTokens: 3 })
    expect(stored.content.endsWith('the end')).toBe(true)
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(13)
  })

  test('over channel api count as one API call, in the playground as none', async () => {
    const here = await room()
    chat.openai.answerAll(['Yes.'], { prompt: 1, completion: 1 })
    await ask(chat, here, 'One?', { headers: JSON_ANSWER, channel: 'playground' })
    expect(await usedOf(chat, here.user, 'api_calls')).toBe(0)
    await send(chat, here.user, here.path, { content: 'Two?' }, { headers: JSON_ANSWER })
    expect(await usedOf(chat, here.user, 'api_calls')).toBe(1)
  })

  test('without usage of the provider are charged by estimate', async () => {
    const here = await room()
    const next = chat.openai.next()
    const asked = ask(chat, here, 'Hi', { headers: JSON_ANSWER })
    const exchange = await next
    exchange.say('Some words.')
    exchange.finish(null)
    const { message } = await answerOf(await asked)
    expect(message.outputTokens).toBe(estimateTokens('Some words.'))
    expect(await usedOf(chat, here.user, 'llm_tokens')).toBe((message.inputTokens ?? 0) + (message.outputTokens ?? 0))
  })

  test('questions are checked: empty, too long, unknown fields, unknown rooms, and rooms of others', async () => {
    const here = await room()
    const other = await room()
    for (const body of [{}, { content: ' \n ' }, { content: 'x'.repeat(8001) }, { content: 'x', model: 'y' }, { content: 'x', channel: 'widget' }]) {
      expect((await send(chat, here.user, here.path, body)).status).toBe(400)
    }
    const unknown = here.path.replace(here.conversationId, '00000000-0000-4000-8000-000000000000')
    const mixed = here.path.replace(here.conversationId, other.conversationId)
    for (const path of [unknown, mixed, other.path]) {
      const answer = await send(chat, here.user, path, { content: 'Hi' })
      expect([answer.status, (await problemOf(answer)).code]).toEqual([404, 'not_found'])
      expect((await send(chat, here.user, path)).status).toBe(404)
    }
    expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  })

  test('messages are listed newest first, page by page', async () => {
    const here = await room()
    chat.openai.answerAll(['Yes.'])
    for (const question of ['1?', '2?', '3?']) await ask(chat, here, question, { headers: JSON_ANSWER })
    const seen: string[] = []
    let query: string | null = '?limit=4'
    while (query !== null) {
      const page = await messagesOf(chat, here, query)
      seen.push(...page.data.map(({ content }) => content))
      query = page.nextCursor === null ? null : `?limit=4&cursor=${page.nextCursor}`
    }
    expect(seen).toEqual(['Yes.', '3?', 'Yes.', '2?', 'Yes.', '1?'])
  })

  test('leave every invariant whole', async () => {
    expect(await brokenInvariants(chat.owner)).toEqual([])
  })
})
