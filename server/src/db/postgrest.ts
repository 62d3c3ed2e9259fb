import { createClient } from '@supabase/supabase-js'
import { type Arguments, type Database, DatabaseUnavailable, JsonArgument, type Row, toDatabaseError, toRows } from './database.ts'
import { withRetries } from './retry.ts'

/**
 * PostgrestOptions: `url` and `serviceRoleKey` as Supabase gives them. `restPath` is where PostgREST answers below the
 * URL: `/rest/v1` on Supabase, `/` for a bare PostgREST.
 */
export type PostgrestOptions = { url: string; serviceRoleKey: string; restPath?: string; timeoutMs?: number }

const SUPABASE_REST_PATH = '/rest/v1'

/** openPostgrest calls api functions through supabase-js. A call without an answer after 5 seconds is given up. */
export function openPostgrest(options: PostgrestOptions): Database {
  const closing = new AbortController()
  const timeoutMs = options.timeoutMs ?? 5_000
  const client = createClient(options.url, options.serviceRoleKey, {
    db: { schema: 'api' },
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: {
      fetch: (input, init) => {
        const limits = [AbortSignal.timeout(timeoutMs), closing.signal, init?.signal]
        const signal = AbortSignal.any(limits.filter((limit) => limit !== null && limit !== undefined))
        return fetch(atRestPath(input, options.restPath ?? SUPABASE_REST_PATH), { ...init, signal })
      }
    }
  })

  const call = async (name: string, args: Arguments): Promise<Row[]> => {
    if (closing.signal.aborted) throw new DatabaseUnavailable('The database connections are closed.')
    const { data, error, status } = await client.rpc(name, toBody(args))
    if (!error) return toRows(name, data)
    // What comes without a code is no answer of PostgREST: the request failed, or a gateway in between answered in HTML.
    const code: unknown = error.code
    const isCoded = typeof code === 'string' && code !== ''
    // Nor does PostgREST itself know more when Postgres ended the session in the middle of a call: it answers an empty error.
    if (!isCoded && (status === 0 || (status >= 502 && status <= 504) || error.message === '')) {
      throw new DatabaseUnavailable(`PostgREST did not answer (status ${status}).`, { cause: error })
    }
    throw toDatabaseError({
      sqlstate: isCoded ? error.code : `HTTP ${status}`,
      message: error.message,
      detail: error.details ?? null,
      hint: error.hint ?? null,
      cause: error
    })
  }
  return {
    rpc: (name, args) => withRetries(name, args, () => call(name, args)),
    close() {
      closing.abort()
      return Promise.resolve()
    }
  }
}

function toBody(args: Arguments): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, value instanceof JsonArgument ? value.value : value])
  )
}

/** atRestPath moves a request from the path supabase-js always uses to the one in front of this PostgREST. */
function atRestPath(input: string | URL | Request, restPath: string): string | URL | Request {
  if (restPath === SUPABASE_REST_PATH || input instanceof Request) return input
  const url = new URL(input)
  const prefix = restPath === '/' ? '' : restPath
  url.pathname = url.pathname.replace(SUPABASE_REST_PATH, prefix)
  return url
}
