import { Agent, request, type IncomingHttpHeaders } from 'node:http'
import { type Canary, canaryIn } from './canaries.ts'

/** Sent is one request as it goes out. An array of headers' values sends the header several times. */
export type Sent = {
  method: string
  path: string
  headers?: Record<string, string | string[]> | undefined
  body?: string | Buffer | undefined
}

/**
 * Answer is what came back, or `fault`: why nothing did. `leak` names a forbidden canary in its head or body. `status` is 0
 * with a fault.
 */
export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  text: string
  milliseconds: number
  fault: string | null
  leak: string | null
}

/** Ask sends a request and never throws for what comes back. */
export type Ask = (sent: Sent) => Promise<Answer>

/** HANG_MS is how long an answer may take. */
export const HANG_MS = 10_000

/**
 * createAsk makes an {@link Ask} for the server at `url`, with kept-alive connections. The `forbidden` canaries are looked
 * for in every answer; `forbiddenInErrors` only in those of 4xx and 5xx.
 */
export function createAsk(parts: {
  url: string
  forbidden: () => readonly Canary[]
  forbiddenInErrors: () => readonly Canary[]
  limitMs?: number
}): Ask {
  const { hostname, port } = new URL(parts.url)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const leakIn = (status: number, text: string): string | null => {
    const found = canaryIn(text, parts.forbidden()) ?? (status >= 400 ? canaryIn(text, parts.forbiddenInErrors()) : null)
    return found?.name ?? null
  }
  return async (sent) => {
    const answer = await exchange({ hostname, port, agent, limitMs: parts.limitMs ?? HANG_MS }, sent)
    // A connection that the server closed in the moment it was used again says nothing about the request.
    const settled = answer.fault === 'ECONNRESET on a kept connection' ? await exchange({ hostname, port, agent: false,
      limitMs: HANG_MS }, sent) : answer
    return { ...settled, leak: leakIn(settled.status, `${JSON.stringify(settled.headers)}\n${settled.text}`) }
  }
}

type Way = { hostname: string; port: string; agent: Agent | false; limitMs: number }

function exchange({ hostname, port, agent, limitMs }: Way, { method, path, headers = {}, body }: Sent): Promise<Answer> {
  const begun = performance.now()
  return new Promise((resolve) => {
    let done = false
    const end = (part: Partial<Answer>): void => {
      if (done) return
      done = true
      clearTimeout(limit)
      resolve({ status: 0, headers: {}, text: '', fault: null, leak: null, milliseconds: performance.now() - begun, ...part })
    }
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const outgoing = request({ hostname, port, agent, method, path, headers: { ...length, ...headers }, setDefaultHeaders: true })
    const limit = setTimeout(() => {
      end({ fault: `no answer within ${limitMs / 1000} s` })
      outgoing.destroy()
    }, limitMs)
    outgoing.on('response', (res) => {
      const chunks: Buffer[] = []
      const finish = (fault: string | null): void =>
        end({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString('utf8'), fault })
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', () => finish(null))
      res.on('error', (error) => finish(`the answer broke off: ${error.message}`))
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const reused = outgoing.reusedSocket && error.code === 'ECONNRESET'
      end({ fault: reused ? 'ECONNRESET on a kept connection' : `the connection broke: ${error.code ?? error.message}` })
    })
    outgoing.end(body)
  })
}

const MOST_TRIES = 5

/** askPatiently asks again while the answer is 503, as honest callers do: a machine that is overloaded proves nothing. */
export async function askPatiently(ask: Ask, sent: Sent): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(sent)
    if (answer.status !== 503 || tries === MOST_TRIES) return answer
  }
}

/** inParallel runs the task for every entry, at most `width` at a time. The first failure ends it. */
export async function inParallel<Entry>(entries: Iterable<Entry>, width: number,
  task: (entry: Entry) => Promise<void>): Promise<void> {
  const iterator = entries[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await task(next.value)
  }
  await Promise.all(Array.from({ length: width }, work))
}
