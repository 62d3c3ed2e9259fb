import { types } from 'node:util'
import pg from 'pg'
import { z } from 'zod'
import {
  type Argument,
  type Arguments,
  type Database,
  DatabaseError,
  DatabaseUnavailable,
  JsonArgument,
  type Row,
  toDatabaseError,
  toRows
} from './database.ts'
import { withRetries } from './retry.ts'

/**
 * PostgresOptions: `url` is a postgres:// URL, `poolSize` the number of connections, `onError` hears of idle ones that broke.
 * A statement without an answer after `timeoutMs` (5 seconds) is given up.
 */
export type PostgresOptions = { url: string; poolSize?: number; timeoutMs?: number; onError?: (error: Error) => void }

// UTC, so that timestamps read the same as over PostgREST on Supabase.
const SESSION = '-c role=service_role -c TimeZone=UTC'
const CONNECT_LIMIT_MS = 3_000
// Postgres gives up first: only a connection that went silent runs into our own limit.
const SILENCE_MARGIN_MS = 1_000

const answerSchema = z.array(z.object({ row: z.unknown() }))

/**
 * openPostgres calls api functions over Postgres connections of its own. Each session becomes `service_role`, unless the
 * URL carries `options` itself (`?options=` for a pooler that allows none): then the login needs the rights.
 */
export function openPostgres(options: PostgresOptions): Database {
  const timeoutMs = options.timeoutMs ?? 5_000
  const pool = new pg.Pool({
    // The URL's own options come after, and win.
    options: `${SESSION} -c statement_timeout=${timeoutMs}`,
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: Math.min(CONNECT_LIMIT_MS, timeoutMs),
    query_timeout: timeoutMs + SILENCE_MARGIN_MS,
    application_name: 'parley'
  })
  // Without a listener the loss of an idle connection would end the process.
  pool.on('error', (error) => options.onError?.(error))
  let closed = false

  const call = async (name: string, args: Arguments): Promise<Row[]> => {
    if (closed) throw new DatabaseUnavailable('The database connections are closed.')
    const { text, values } = statement(name, args)
    try {
      const { rows } = await pool.query(text, values)
      return toRows(name, answerSchema.parse(rows).map(({ row }) => row))
    } catch (error) {
      throw translate(error)
    }
  }
  return {
    rpc: (name, args) => withRetries(name, args, () => call(name, args)),
    async close() {
      if (closed) return
      closed = true
      await pool.end()
    }
  }
}

/** statement writes the call. Names go into the text, so anything but a plain lower-case identifier is refused. */
export function statement(name: string, args: Arguments): { text: string; values: unknown[] } {
  const given = Object.entries(args)
  for (const identifier of [name, ...given.map(([argument]) => argument)]) {
    if (!/^[a-z][a-z0-9_]*$/.test(identifier)) throw new TypeError(`"${identifier}" is not a name of an api function or argument.`)
  }
  const list = given.map(([argument], index) => `${argument} => $${index + 1}`).join(', ')
  return {
    // The subselect matters: to_jsonb of a one-column function itself would be the bare value without its name.
    text: `select to_jsonb(r) as row from (select * from api.${name}(${list})) r`,
    values: given.map(([, value]) => toParameter(value))
  }
}

function toParameter(value: Argument): unknown {
  return value instanceof JsonArgument ? JSON.stringify(value.value) : value
}

function translate(error: unknown): unknown {
  // A TypeError or a failed parse is our own mistake, never the network's.
  if (!types.isNativeError(error) || error.name === 'TypeError' || error instanceof z.ZodError) return error
  if (!(error instanceof pg.DatabaseError)) return new DatabaseUnavailable(error.message, { cause: error })
  if (/permission denied to set role|role "service_role" does not exist/.test(error.message)) {
    return new DatabaseError({
      sqlstate: error.code ?? '42501',
      message:
        'The login in DATABASE_URL cannot become service_role: apply the migrations, then run ' +
        '"grant service_role to <login>" as the owner.',
      cause: error
    })
  }
  return toDatabaseError({
    sqlstate: error.code ?? 'XX000',
    message: error.message,
    detail: error.detail ?? null,
    hint: error.hint ?? null,
    cause: error
  })
}
