import { LogLevel, Paddle } from '@paddle/paddle-node-sdk'
import type { Environment } from '@paddle/paddle-node-sdk'
import type { z } from 'zod'
import { faultsOf } from '../../payload.ts'
import { AnswerUnknown } from '../../processor.ts'
import { meaningOf } from './refusal.ts'

/** ConnectionOptions: `apiUrl` replaces the environment's server. `timeoutMs` is for a whole call, with all its requests. */
export type ConnectionOptions = {
  apiKey: string
  environment: 'sandbox' | 'production'
  apiUrl?: string | undefined
  timeoutMs?: number | undefined
  nowMs?: (() => number) | undefined
}

/** Ask sends one request in what is left of a call's time. Throws ProcessorRefusal or AnswerUnknown. */
export type Ask = <Value>(request: (signal: AbortSignal) => Promise<Value>) => Promise<Value>

/** Connection is how the calls reach Paddle. `startCall` begins a call's time; `nowMs` is the clock for fetched states. */
export type Connection = { paddle: Paddle; apiKey: string; apiUrl: string; nowMs: () => number; startCall: () => Ask }

const TIMEOUT_MS = 10_000
const SERVERS = { production: 'https://api.paddle.com', sandbox: 'https://sandbox-api.paddle.com' }

/** connect makes the SDK's client. It has no retries of its own. */
export function connect(options: ConnectionOptions): Connection {
  const apiUrl = (options.apiUrl ?? SERVERS[options.environment]).replace(/\/+$/, '')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the SDK takes any URL here, its type only two names
  const server = apiUrl as Environment
  return {
    paddle: new Paddle(options.apiKey, { environment: server, logLevel: LogLevel.none }),
    apiKey: options.apiKey,
    apiUrl,
    nowMs: options.nowMs ?? Date.now,
    startCall: () => askWithin(options.timeoutMs ?? TIMEOUT_MS)
  }
}

/**
 * askWithin bounds all requests of a call together: the SDK has no timeout of its own. A request that is given up on
 * ends by itself and may still take effect; none is sent after it.
 */
function askWithin(timeoutMs: number): Ask {
  const deadlineMs = performance.now() + timeoutMs
  const tooLate = () => new AnswerUnknown(`Paddle did not answer within ${timeoutMs} ms`)
  return async (request) => {
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0) throw tooLate()
    const late = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(tooLate())
        late.abort()
      }, leftMs)
    })
    try {
      return await Promise.race([request(late.signal), timeout])
    } catch (error) {
      throw meaningOf(error)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** readAnswer parses what Paddle answered; throws AnswerUnknown naming the field, because the call may have taken effect. */
export function readAnswer<Shape extends z.ZodType>(shape: Shape, answer: unknown): z.output<Shape> {
  const parsed = shape.safeParse(answer)
  if (!parsed.success) throw new AnswerUnknown(`Paddle answered in an unknown shape: ${faultsOf(parsed.error)}`)
  return parsed.data
}

/** pathPart makes an id safe to stand in a path: the SDK puts it there as it is. */
export function pathPart(id: string): string {
  return encodeURIComponent(id)
}
