import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { problemSchema, type ProblemBody } from '../../server/src/contract/problem.ts'
import { Mismatch } from './steps.ts'

/** Answer is a status and the parsed JSON body; null where there is none. */
export type Answer = { status: number; body: unknown }

/** Api calls the server as one signed-in user. It waits as `Retry-After` says when told to slow down (429). */
export type Api = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => Promise<Answer>

/** ApiOptions: without a token nobody is signed in; `onWait` is told before it waits. */
export type ApiOptions = { url: string; token: string | null; onWait(seconds: number): void }

const TIMEOUT_MS = 60_000
const MAX_WAITS = 3

/** NoServer is thrown where nothing answers, or not with HTTP. */
export class NoServer extends Error {}

/** createApi makes an {@link Api} for the server at `url`. It throws {@link NoServer}. */
export function createApi({ url, token, onWait }: ApiOptions): Api {
  return async (method, path, body) => {
    for (let waits = 0; ; waits += 1) {
      const response = await send(`${url}${path}`, {
        method,
        headers: {
          Accept: 'application/json',
          ...(token !== null && { Authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'Content-Type': 'application/json' })
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS)
      })
      const text = await response.text()
      if (response.status !== 429 || waits === MAX_WAITS) return { status: response.status, body: parseJson(text) }
      const seconds = Number(response.headers.get('Retry-After') ?? 1)
      onWait(seconds)
      await pause(seconds * 1000)
    }
  }
}

/** expectAnswer parses the body of an answer that must have this status and shape. Throws {@link Mismatch}. */
export function expectAnswer<Schema extends z.ZodType>(answer: Answer, status: number, schema: Schema): z.output<Schema> {
  if (answer.status !== status) throw new Mismatch(`status ${status}`, describe(answer))
  const parsed = schema.safeParse(answer.body)
  if (!parsed.success) throw new Mismatch(`the body that /openapi.json promises (${z.prettifyError(parsed.error)})`, describe(answer))
  return parsed.data
}

/** expectProblem takes an answer that must be this problem. Throws {@link Mismatch}. */
export function expectProblem(answer: Answer, status: number, code: string): ProblemBody {
  const problem = problemSchema.safeParse(answer.body)
  if (answer.status !== status || !problem.success || problem.data.code !== code) {
    throw new Mismatch(`${status} ${code}`, describe(answer))
  }
  return problem.data
}

/** describe says in one line what an answer was. */
export function describe({ status, body }: Answer): string {
  const problem = problemSchema.safeParse(body)
  return problem.success ? `${status} ${problem.data.code}: ${problem.data.detail}` : `${status} ${JSON.stringify(body).slice(0, 300)}`
}

async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    // Of several refused addresses (::1, 127.0.0.1) Node makes an error without a message.
    const reason = cause instanceof AggregateError ? String(cause.errors[0]) : String(cause)
    throw new NoServer(reason.replace(/^\w*Error: /, ''), { cause: error })
  }
}

/** parseJson parses a body; one that is no JSON stays text, an empty one is null. */
export function parseJson(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
