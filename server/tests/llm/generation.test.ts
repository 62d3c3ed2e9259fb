import { beforeAll, describe, expect, test } from '@jest/globals'
import type { UIMessageChunk } from 'ai'
import { generate, type Generation } from '../../src/llm/generation.ts'
import { type AnswerModel, createAnswerModel } from '../../src/llm/model.ts'
import type { Passage } from '../../src/llm/passage.ts'
import { buildPrompt } from '../../src/llm/prompt.ts'
import { estimateTokens } from '../../src/llm/tokens.ts'
import { type Exchange, type OpenAiServer, startOpenAiServer } from '../support/openai-server.ts'

let openai: OpenAiServer
let model: AnswerModel
const LONG = { firstChunkMs: 20_000, totalMs: 120_000 }
const passage: Passage = { number: 1, documentId: 'd', documentName: 'handbook.md', place: 1, content: 'Refunds take 14 days.' }

beforeAll(async () => {
  openai = await startOpenAiServer()
  model = createAnswerModel({ kind: 'openai-compatible', baseUrl: openai.baseUrl, apiKey: 'test-key', name: 'test-model', names: ['test-model'] })
})

type Call = { ended: Promise<Generation>; chunks: UIMessageChunk[]; begun: Promise<void>; stop: AbortController }

function call(answerer = model, times = LONG, question = 'How long do refunds take?'): Call {
  const chunks: UIMessageChunk[] = []
  const stop = new AbortController()
  const begun = Promise.withResolvers<void>()
  const prompt = buildPrompt({ ownerInstructions: 'Be brief.', passages: [passage], history: [], question })
  const ended = generate({
    model: answerer,
    prompt,
    passages: [passage],
    hasDocuments: true,
    stop: stop.signal,
    times,
    onChunk: (chunk) => chunks.push(chunk),
    onFirstPiece: begun.resolve
  })
  return { ended, chunks, begun: begun.promise, stop }
}

async function callAndTake(times = LONG): Promise<Call & { exchange: Exchange }> {
  const next = openai.next()
  const started = call(model, times)
  return { ...started, exchange: await next }
}

function textOf(chunks: UIMessageChunk[]): string {
  return chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('')
}

describe('generate', () => {
  test('sends the instructions, the question, the output limit and the key, asks for usage, and nothing of its own', async () => {
    const { exchange, ended } = await callAndTake()
    expect(exchange.headers.authorization).toBe('Bearer test-key')
    const { messages, ...rest } = exchange.request
    expect(rest).toEqual({ model: 'test-model', stream: true, stream_options: { include_usage: true }, max_tokens: 1024 })
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user'])
    expect(messages[0]?.content).toContain('Refunds take 14 days.')
    exchange.say('x')
    exchange.finish()
    await ended
  })

  test('a complete answer has its text, its parts in order and the tokens the provider counted', async () => {
    const { exchange, ended, chunks, begun } = await callAndTake()
    exchange.say('14 ')
    await begun
    exchange.say('days [1].')
    exchange.finish({ prompt: 111, completion: 7 })
    expect(await ended).toEqual({ status: 'complete', text: '14 days [1].', inputTokens: 111, outputTokens: 7, failure: null })
    expect(chunks.map(({ type }) => type)).toEqual(['text-start', 'text-delta', 'text-delta', 'text-end'])
  })

  test('where the provider counts nothing, tokens are estimated', async () => {
    const { exchange, ended } = await callAndTake()
    exchange.say('14 days.')
    exchange.finish(null)
    const { inputTokens, outputTokens } = await ended
    expect(inputTokens).toBeGreaterThan(50)
    expect(outputTokens).toBe(estimateTokens('14 days.'))
  })

  test('stopped in the middle: what was streamed is kept and counted, and the upstream call ends', async () => {
    const { exchange, ended, begun, stop, chunks } = await callAndTake()
    exchange.say('Half an answer')
    await begun
    stop.abort()
    const { status, text, outputTokens, failure } = await ended
    expect({ status, text, failure }).toEqual({ status: 'stopped', text: 'Half an answer', failure: null })
    expect(outputTokens).toBe(estimateTokens('Half an answer'))
    expect(chunks.at(-1)?.type).toBe('text-end')
    await exchange.closed
  })

  test('stopped before the first word counts nothing', async () => {
    const { ended, stop, exchange } = await callAndTake()
    stop.abort()
    expect(await ended).toEqual({ status: 'stopped', text: '', inputTokens: 0, outputTokens: 0, failure: null })
    await exchange.closed
  })

  test.each([
    ['an error event', (exchange: Exchange) => exchange.raw(JSON.stringify({ error: { message: 'secret', type: 'server_error' } }))],
    ['an event that is not JSON', (exchange: Exchange) => exchange.raw('{not json')],
    ['an event of another shape', (exchange: Exchange) => exchange.raw('{"choices":"none"}')],
    ['an end without a finish', (exchange: Exchange) => exchange.end()],
    ['a broken connection', (exchange: Exchange) => exchange.cut()]
  ])('%s in the middle is a failure that keeps the partial text and tells nothing of the provider', async (_name, breakIt) => {
    const { exchange, ended, begun } = await callAndTake()
    exchange.say('Half')
    await begun
    breakIt(exchange)
    const { status, text, failure } = await ended
    expect({ status, text }).toEqual({ status: 'failed', text: 'Half' })
    expect(failure?.message).toBe("The language model's answer broke off or could not be read.")
    await exchange.closed
  })

  test('an answer without an end is a failure long before it fills the memory', async () => {
    const { exchange, ended } = await callAndTake()
    const words = 'word '.repeat(100_000)
    for (let time = 0; time < 10; time += 1) exchange.say(words)
    const { status, text, failure } = await ended
    expect({ status, message: failure?.message }).toEqual({ status: 'failed', message: 'The language model wrote much more than it was allowed to.' })
    expect(text.length).toBeLessThanOrEqual(4_000_000)
    await exchange.closed
  })

  test('a refusal is a failure with its status; the provider\'s words stay out of the message and keys out of the log', async () => {
    const { exchange, ended } = await callAndTake()
    exchange.refuse(401, { message: 'Incorrect API key provided: sk-proj-abcdef123456.' })
    const { status, failure } = await ended
    expect(status).toBe('failed')
    expect(failure?.message).toBe('The language model answered with HTTP status 401.')
    expect(failure?.providerText).toContain('Incorrect API key')
    expect(JSON.stringify({ ...failure })).not.toContain('abcdef')
  })

  test('a provider that is too busy is asked once more', async () => {
    const { exchange, ended } = await callAndTake()
    const second = openai.next()
    exchange.refuse(429, { message: 'Rate limit' }, { 'retry-after-ms': '1' })
    const again = await second
    again.say('Here.')
    again.finish()
    expect((await ended).text).toBe('Here.')
  })

  test('an empty answer is a failure', async () => {
    const { exchange, ended } = await callAndTake()
    exchange.say('')
    exchange.finish()
    const { status, failure } = await ended
    expect(status).toBe('failed')
    expect(failure?.message).toContain('empty')
  })

  test('a model that does not begin in time, or does not end in time, is a failure', async () => {
    const silent = await callAndTake({ firstChunkMs: 500, totalMs: 60_000 })
    expect((await silent.ended).failure?.message).toContain('too long')
    await silent.exchange.closed
    const endless = await callAndTake({ firstChunkMs: 20_000, totalMs: 700 })
    endless.exchange.say('And ')
    const { status, failure } = await endless.ended
    expect(status).toBe('failed')
    expect(failure?.message).toContain('too long')
    await endless.exchange.closed
  })

  test('nobody at the endpoint is a failure', async () => {
    const nobody = createAnswerModel({ kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', apiKey: null, name: 'none', names: ['none'] })
    const { status, text } = await call(nobody, { firstChunkMs: 1_000, totalMs: 1_000 }).ended
    expect({ status, text }).toEqual({ status: 'failed', text: '' })
  })
})

describe('the extractive model', () => {
  const extractive = createAnswerModel({ kind: 'extractive' })

  test('streams word by word through the same path, quotes its source and counts its tokens', async () => {
    const { ended, chunks } = call(extractive)
    const { status, text, inputTokens, outputTokens } = await ended
    expect(status).toBe('complete')
    expect(text).toBe('According to *handbook.md*: “Refunds take 14 days.” [1]')
    expect(textOf(chunks)).toBe(text)
    expect(chunks.filter(({ type }) => type === 'text-delta').length).toBeGreaterThan(5)
    expect(inputTokens).toBeGreaterThan(20)
    expect(outputTokens).toBe(estimateTokens(text))
  })

  test('can be stopped in the middle', async () => {
    const { ended, begun, stop } = call(extractive)
    await begun
    stop.abort()
    const { status, text } = await ended
    expect(status).toBe('stopped')
    expect('According to *handbook.md*'.startsWith(text.split(' ')[0] ?? '?')).toBe(true)
    expect(text).not.toContain('[1]')
  })
})
