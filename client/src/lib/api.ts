import { z } from 'zod'
import { type ProblemBody, problemSchema } from '../../../server/src/contract/problem.ts'

/** ApiProblem is an answer of 4xx or 5xx in Parley's words; `message` is its sentence for people. */
export class ApiProblem extends Error {
  readonly problem: ProblemBody
  readonly retryAfterSeconds: number | null
  constructor(problem: ProblemBody, retryAfterSeconds: number | null) {
    super(problem.detail)
    this.name = 'ApiProblem'
    this.problem = problem
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Unreachable: no answer came, because of the network or a server that is away. Nothing is known about what happened. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('Parley cannot be reached. Check the connection; nothing you typed is lost.', { cause })
    this.name = 'Unreachable'
  }
}

type Query = Record<string, string | number | undefined>

/**
 * Api asks Parley. Every answer is parsed by the schema of the contract. Throws {@link ApiProblem} or {@link Unreachable};
 * an aborted request throws the signal's reason, and one for which there is no token whatever `getToken` has thrown.
 */
export type Api = {
  get<Schema extends z.ZodType>(schema: Schema, path: string, query?: Query, signal?: AbortSignal): Promise<z.output<Schema>>
  /** send: `idempotencyKey` makes a POST that creates or costs safe to repeat. */
  send<Schema extends z.ZodType>(
    schema: Schema,
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    options?: { idempotencyKey?: string; signal?: AbortSignal }
  ): Promise<z.output<Schema>>
  /** raw asks for what is no JSON (a stream, a file); problems are thrown all the same. */
  raw(path: string, init?: RequestInit): Promise<Response>
  /** headers are those of a signed-in request, for an upload that needs its progress. */
  headers(): Promise<Record<string, string>>
  /** url is the whole address of a path. */
  url(path: string): string
}

/** createApi: `baseUrl` is '' on Parley's own pages; `getToken` returns a session token that is valid for some seconds. */
export function createApi({ baseUrl, getToken }: { baseUrl: string; getToken: () => Promise<string> }): Api {
  const headers = async (): Promise<Record<string, string>> => ({ Authorization: `Bearer ${await getToken()}` })
  const raw: Api['raw'] = async (path, init = {}) => {
    const signed = await headers()
    let response: Response
    try {
      response = await fetch(`${baseUrl}${path}`, { ...init, headers: { ...signed, ...toRecord(init.headers) } })
    } catch (error) {
      if (init.signal?.aborted) throw error
      throw new Unreachable(error)
    }
    if (!response.ok) throw await readProblem(response)
    return response
  }
  const read = async <Schema extends z.ZodType>(schema: Schema, response: Response): Promise<z.output<Schema>> =>
    schema.parse(response.status === 204 ? undefined : await response.json())
  return {
    headers,
    raw,
    url: (path) => `${baseUrl}${path}`,
    get: async (schema, path, query, signal) =>
      read(schema, await raw(path + toSearch(query), { headers: { Accept: 'application/json' }, ...(signal && { signal }) })),
    send: async (schema, method, path, body, options = {}) => {
      const { idempotencyKey, signal } = options
      const init: RequestInit = {
        method,
        headers: {
          Accept: 'application/json',
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey })
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal })
      }
      return read(schema, await raw(path, init))
    }
  }
}

/** nothing is the schema of an answer without a body. */
export const nothing = z.undefined()

/** readProblem reads an error answer; one that is not Parley's (a proxy's page) becomes a problem of the same shape. */
export async function readProblem(response: Response): Promise<ApiProblem> {
  const parsed = problemSchema.safeParse(await response.json().catch(() => null))
  const retryAfter = Number(response.headers.get('Retry-After') ?? NaN)
  const problem: ProblemBody = parsed.success
    ? parsed.data
    : {
        type: 'about:blank',
        title: 'Unexpected answer',
        status: response.status,
        code: 'unexpected_answer',
        detail: `The server answered ${response.status} without saying why.`,
        instance: new URL(response.url).pathname,
        requestId: response.headers.get('X-Request-Id') ?? ''
      }
  return new ApiProblem(problem, Number.isFinite(retryAfter) ? retryAfter : null)
}

function toRecord(headers: HeadersInit | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(headers))
}

function toSearch(query: Query = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`
}
