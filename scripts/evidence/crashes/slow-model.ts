import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'

const BETWEEN_WORDS_MS = 2

const requestSchema = z.looseObject({ model: z.string(), messages: z.array(z.looseObject({ role: z.string(), content: z.string() })) })

/** SlowModel answers as OpenAI's chat completions do, a word at a time; `baseUrl` ends in `/v1`. */
export type SlowModel = { baseUrl: string; stop(): Promise<void> }

/**
 * question asks the slow model for so many words. With `waits` it then says nothing more and does not end, when it is asked
 * for the first time; `name` makes it a question of its own.
 */
export function question(words: number, name: string, waits = false): string {
  return `Please say ${words} words${waits ? ' and wait' : ''}. (${name})`
}

/** startSlowModel starts it on a free port of 127.0.0.1. */
export async function startSlowModel(): Promise<SlowModel> {
  const asked = new Set<string>()
  const server = createServer((req, res) => void answer(asked, req, res).catch(() => res.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The model has no port.')
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

async function answer(askedBefore: Set<string>, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of req) parts.push(Buffer.from(z.instanceof(Uint8Array).parse(part)))
  const { model, messages } = requestSchema.parse(JSON.parse(Buffer.concat(parts).toString('utf8')))
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const asked = /say (\d+) words( and wait)?\./.exec(content)
  const waits = asked?.[2] !== undefined && !askedBefore.has(content)
  askedBefore.add(content)
  const words = Number(asked?.[1] ?? 3)
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  const say = (fields: object): unknown =>
    res.write(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_763_600_000, model, ...fields })}\n\n`)
  for (let word = 1; word <= words && !res.destroyed; word += 1) {
    say({ choices: [{ index: 0, delta: { role: 'assistant', content: `word${word} ` }, finish_reason: null }] })
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_WORDS_MS))
  }
  if (waits) return
  say({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  say({ choices: [], usage: { prompt_tokens: 20, completion_tokens: words, total_tokens: 20 + words } })
  res.end('data: [DONE]\n\n')
}
