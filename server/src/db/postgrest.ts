import { createClient } from '@supabase/supabase-js'
import { type Arguments, type Database, DatabaseUnavailable, JsonArgument, type Row, toDatabaseError, toRows } from './database.ts'
import { CALL_LIMIT_MS, isPatient, PATIENT_LIMIT_MS, unlessSilent } from './limits.ts'
import { withRetries } from './retry.ts'

/**
 * PostgrestOptions: `url` and `serviceRoleKey` as Supabase gives them. `restPath` is where PostgREST answers below the
 * URL: `/rest/v1` on Supabase, `/` for a bare PostgREST. A call without an answer after `timeoutMs` (1.5 seconds) is given up.
 */
export type PostgrestOptions = { url: string; serviceRoleKey: string; restPath?: string; timeoutMs?: number }

const SUPABASE_REST_PATH = '/rest/v1'

/**
 * openPostgrest calls api functions through supabase-js. What takes its time where there is much to do (see limits.ts) is
 * given up only after 5 seconds, or as soon as nothing else is answered either.
 */
export function openPostgrest(options: PostgrestOptions): Database {
  const running = new Set<AbortController>()
  let closed = false
  const timeoutMs = options.timeoutMs ?? CALL_LIMIT_MS
  const client = createClient(options.url, options.serviceRoleKey, {
    db: { schema: 'api' },
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: (input, init) => fetch(atRestPath(input, options.restPath ?? SUPABASE_REST_PATH), init) }
  })

  const call = async (name: string, args: Arguments, endMs: number): Promise<Row[]> => {
    if (closed) throw new DatabaseUnavailable('The database connections are closed.')
    // A timer and a controller that are held here: a limit made of AbortSignal.any and AbortSignal.timeout, held by nothing but
    // the request, can be collected before it strikes, and the call then waits for ever.
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(), Math.max(1, Math.ceil(endMs - performance.now())))
    running.add(limit)
    const { data, error, status } = await Promise.resolve(client.rpc(name, toBody(args)).abortSignal(limit.signal)).finally(() => {
      clearTimeout(timer)
      running.delete(limit)
    })
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
    rpc(name, args) {
      const limitMs = isPatient(name) ? Math.max(timeoutMs, PATIENT_LIMIT_MS) : timeoutMs
      const endMs = performance.now() + limitMs
      const answer = withRetries(name, args, () => call(name, args, endMs))
      if (limitMs === timeoutMs) return answer
      return unlessSilent(answer, () => call('schema_version', {}, performance.now() + timeoutMs / 2), timeoutMs / 2)
    },
    close() {
      closed = true
      for (const limit of running) limit.abort()
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
