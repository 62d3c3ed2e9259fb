/** Row is one row of an api function's answer as plain JSON: int8 is a number, a timestamptz an RFC 3339 string. */
export type Row = Record<string, unknown>

/** Argument is one named argument; an array stands for an SQL array, jsonb needs a {@link JsonArgument}. */
export type Argument = string | number | boolean | null | readonly (string | number | null)[] | JsonArgument

/** Arguments are named as in SQL (`p_account_id`). An argument that is left out takes its SQL default. */
export type Arguments = Readonly<Record<string, Argument>>

/**
 * Database calls the functions of schema `api`. Both transports answer the same rows and raise the same two errors.
 *
 * - `rpc` throws {@link DatabaseError} when Postgres refuses, {@link DatabaseUnavailable} when it cannot be asked.
 * - `close` ends open connections; afterwards every call is refused as unavailable.
 */
export interface Database {
  rpc(name: string, args: Arguments): Promise<Row[]>
  close(): Promise<void>
}

/** JsonArgument marks a jsonb argument, because an empty JavaScript array could mean `'[]'::jsonb` or `'{}'::text[]`. */
export class JsonArgument {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** DatabaseError is Postgres saying no: `sqlstate` (or a PGRST code) decides what it means, see errors.ts. */
export class DatabaseError extends Error {
  readonly sqlstate: string
  readonly detail: string | null
  readonly hint: string | null
  constructor(fields: { sqlstate: string; message: string; detail?: string | null; hint?: string | null; cause?: unknown }) {
    super(fields.message, { cause: fields.cause })
    this.name = 'DatabaseError'
    this.sqlstate = fields.sqlstate
    this.detail = fields.detail ?? null
    this.hint = fields.hint ?? null
  }
}

/** DatabaseUnavailable is no answer at all: whether the call had an effect is unknown. */
export class DatabaseUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DatabaseUnavailable'
  }
}

/**
 * toDatabaseError sorts a coded failure. Unavailable are: connection exceptions (class 08), too many connections (53300),
 * a cancelled statement or wait for a lock, which is our own time limit (57014, 55P03), a server going down or starting
 * (57P01-57P03), and PostgREST without a database (PGRST000-PGRST003).
 */
export function toDatabaseError(fields: {
  sqlstate: string
  message: string
  detail?: string | null
  hint?: string | null
  cause?: unknown
}): DatabaseError | DatabaseUnavailable {
  if (/^(08...|53300|55P03|57014|57P0[123]|PGRST00[0-3])$/.test(fields.sqlstate)) {
    return new DatabaseUnavailable(`${fields.sqlstate}: ${fields.message}`, { cause: fields.cause })
  }
  return new DatabaseError(fields)
}

/**
 * toRows brings every shape of answer to rows: a set is an array, a function with OUT arguments one object, a scalar
 * function (PostgREST answers the bare value) one row with the function's name as its column, as in SQL.
 */
export function toRows(name: string, data: unknown): Row[] {
  if (data === null || data === undefined) return []
  return (Array.isArray(data) ? data : [data]).map((row: unknown) => (isRow(row) ? row : { [name]: row }))
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
