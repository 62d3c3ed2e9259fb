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
import { CALL_LIMIT_MS, isPatient, PATIENT_LIMIT_MS, unlessSilent } from './limits.ts'
import { openLane } from './postgres-lane.ts'
import { withRetries } from './retry.ts'

/**
 * PostgresOptions: `url` is a postgres:// URL, `poolSize` the number of connections for calls (10), half as many more are for
 * patient ones, `onError` hears of idle ones that broke. A call without an answer after `timeoutMs` (1.5 seconds) is given up.
 */
export type PostgresOptions = { url: string; poolSize?: number; timeoutMs?: number; onError?: (error: Error) => void }

// One row in which Postgres has written them all: parsing hundreds of rows would take longer than deciding them. Null = none.
const answerSchema = z.tuple([z.object({ rows: z.array(z.unknown()).nullable() })])

/**
 * openPostgres calls api functions over Postgres connections of its own. Each session becomes `service_role`, unless the
 * URL carries `options` itself (`?options=` for a pooler that allows none): then the login needs the rights.
 *
 * What takes its time where there is much to do (see limits.ts) has connections of its own, so that it never keeps anybody
 * else waiting, and is given up only after 5 seconds, or as soon as nothing else is answered either.
 */
export function openPostgres(options: PostgresOptions): Database {
  const { url, poolSize = 10, timeoutMs = CALL_LIMIT_MS, onError = () => undefined } = options
  const patientMs = Math.max(timeoutMs, PATIENT_LIMIT_MS)
  const onSilence = (): void => {
    quick.renew()
    patient.renew()
  }
  const lane = { url, acquireMs: timeoutMs * 0.8, onError, onSilence }
  const quick = openLane({ ...lane, size: poolSize, statementMs: timeoutMs * 0.8 })
  const patient = openLane({ ...lane, size: Math.ceil(poolSize / 2), statementMs: patientMs * 0.8 })
  let closed = false

  const call = async (name: string, args: Arguments, endMs: number): Promise<Row[]> => {
    if (closed) throw new DatabaseUnavailable('The database connections are closed.')
    const { text, values } = statement(name, args)
    try {
      return rowsOf(name, await (isPatient(name) ? patient : quick).query(text, values, endMs))
    } catch (error) {
      throw translate(error)
    }
  }
  const within = (limitMs: number, name: string, args: Arguments): Promise<Row[]> => {
    const endMs = performance.now() + limitMs
    return withRetries(name, args, () => call(name, args, endMs))
  }
  return {
    rpc(name, args) {
      if (!isPatient(name)) return within(timeoutMs, name, args)
      return unlessSilent(within(patientMs, name, args), () => within(timeoutMs / 2, 'schema_version', {}), timeoutMs / 2)
    },
    async close() {
      if (closed) return
      closed = true
      await Promise.all([quick.close(), patient.close()])
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
    // The subselect matters: json of a one-column function itself would be the bare value without its name.
    text: `select json_agg(r) as rows from (select * from api.${name}(${list})) r`,
    values: given.map(([, value]) => toParameter(value))
  }
}

/** rowsOf reads what Postgres answers to a {@link statement} for `name`. Throws ZodError when it is no such answer. */
export function rowsOf(name: string, answer: unknown): Row[] {
  const [{ rows }] = answerSchema.parse(answer)
  return toRows(name, rows ?? [])
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
