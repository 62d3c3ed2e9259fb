import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { closeAfterTests } from './database.ts'

const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.literal(true),
  stream_options: z.object({ include_usage: z.boolean() }).optional(),
  max_tokens: z.number().optional(),
  messages: z.array(z.looseObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
})
/** ChatRequest is the body of `POST /v1/chat/completions` as the server has received it. */
export type ChatRequest = z.output<typeof requestSchema>

/** Exchange is one request that a test answers itself, step by step, so that no test ever waits for time to pass. */
export type Exchange = {
  request: ChatRequest
  headers: IncomingMessage['headers']
  /** say streams one piece of the answer. */
  say(text: string): void
  /** finish ends the answer; `usage` null leaves the numbers out, as some servers do. */
  finish(usage?: { prompt: number; completion: number } | null, reason?: string): void
  /** raw streams one event with this data, valid or not. */
  raw(data: string): void
  /** refuse answers with an HTTP error instead of a stream. */
  refuse(status: number, error: { message: string; type?: string; code?: string }, headers?: Record<string, string>): void
  /** end closes the stream without `[DONE]`, cut breaks the connection. */
  end(): void
  cut(): void
  /** closed resolves when the connection is gone, also when the caller gave up. */
  closed: Promise<void>
}

/** OpenAiServer answers like OpenAI's chat completions endpoint, streaming only. */
export type OpenAiServer = {
  baseUrl: string
  requests: ChatRequest[]
  /** next resolves with the next request that comes in, for the test to answer. */
  next(): Promise<Exchange>
  /** answerAll makes every further request that no test waits for get these pieces and usage. */
  answerAll(pieces: readonly string[], usage?: { prompt: number; completion: number }): void
}

/** startOpenAiServer starts one on a free port; it stops when the test file ends. */
export async function startOpenAiServer(): Promise<OpenAiServer> {
  const requests: ChatRequest[] = []
  const waiting: ((exchange: Exchange) => void)[] = []
  let answerer: ((exchange: Exchange) => void) | null = null

  const server = createServer((req, res) => {
    void receive(req, res).then((exchange) => {
      if (exchange === null) return
      requests.push(exchange.request)
      const taker = waiting.shift() ?? answerer
      if (taker === null) exchange.refuse(500, { message: 'No test answers this request.' })
      else taker(exchange)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfterTests(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    answerAll(pieces, usage = { prompt: 20, completion: pieces.length }) {
      answerer = (exchange) => {
        for (const piece of pieces) exchange.say(piece)
        exchange.finish(usage)
      }
    }
  }
}

async function receive(req: IncomingMessage, res: ServerResponse): Promise<Exchange | null> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(Buffer.from(z.instanceof(Uint8Array).parse(chunk)))
  const json = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers })
    res.end(JSON.stringify(body))
  }
  if (req.method !== 'POST' || req.url !== '/v1/chat/completions') {
    json(404, { error: { message: `Unknown request URL: ${req.method} ${req.url}`, type: 'invalid_request_error', code: 'unknown_url' } })
    return null
  }
  const request = requestSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  return toExchange(request, req, res, json)
}

function toExchange(
  request: ChatRequest,
  req: IncomingMessage,
  res: ServerResponse,
  json: (status: number, body: unknown, headers?: Record<string, string>) => void
): Exchange {
  const closed = once(res, 'close').then(() => {})
  const raw = (data: string): void => {
    if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    res.write(`data: ${data}\n\n`)
  }
  const chunk = (fields: object): void =>
    raw(JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_763_600_000, model: request.model, ...fields }))
  let hasRole = false
  return {
    request,
    headers: req.headers,
    closed,
    raw,
    say(text) {
      const role = hasRole ? {} : { role: 'assistant' }
      hasRole = true
      chunk({ choices: [{ index: 0, delta: { ...role, content: text }, finish_reason: null }] })
    },
    finish(usage = { prompt: 20, completion: 5 }, reason = 'stop') {
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })
      // As OpenAI does: a last chunk without choices, only where it was asked for.
      if (usage !== null && request.stream_options?.include_usage === true) {
        const total_tokens = usage.prompt + usage.completion
        chunk({ choices: [], usage: { prompt_tokens: usage.prompt, completion_tokens: usage.completion, total_tokens } })
      }
      raw('[DONE]')
      res.end()
    },
    refuse: (status, error, headers) => json(status, { error }, headers),
    end: () => res.end(),
    cut: () => res.destroy()
  }
}
