import { z } from 'zod'
import { type Argument, type Arguments, type Database, type Row } from './database.ts'

/** timestamp is a timestamptz as Postgres writes it in JSON, microseconds included, so that cursors stay exact. */
export const timestamp = z.string()

/**
 * call asks one api function and parses its rows. It is where SQL names end: `{ accountId }` is sent as `p_account_id`
 * and a column `resets_at` arrives as `resetsAt` (first level only, never inside jsonb). An argument that is `undefined`
 * is not sent and so takes its SQL default.
 *
 * Throws what {@link Database} throws, and ZodError when the function answers another shape than its mirror says.
 */
export async function call<Schema extends z.ZodType>(
  db: Database,
  name: string,
  args: Readonly<Record<string, Argument | undefined>>,
  rowSchema: Schema
): Promise<z.output<Schema>[]> {
  const rows = await db.rpc(name, toSqlNames(args))
  return rows.map((row) => rowSchema.parse(toCamelCase(row)))
}

/** callForOne is {@link call} for a function that always answers exactly one row. */
export async function callForOne<Schema extends z.ZodType>(
  db: Database,
  name: string,
  args: Readonly<Record<string, Argument | undefined>>,
  rowSchema: Schema
): Promise<z.output<Schema>> {
  const row = await callForOneOrNone(db, name, args, rowSchema)
  if (row === null) throw new Error(`api.${name} answered no row.`)
  return row
}

/** callForOneOrNone is {@link call} for a function that answers one row, or none when the object is not the account's. */
export async function callForOneOrNone<Schema extends z.ZodType>(
  db: Database,
  name: string,
  args: Readonly<Record<string, Argument | undefined>>,
  rowSchema: Schema
): Promise<z.output<Schema> | null> {
  const rows = await call(db, name, args, rowSchema)
  if (rows.length > 1) throw new Error(`api.${name} answered ${rows.length} rows where one was expected.`)
  return rows[0] ?? null
}

// Names are few and come again with every call.
const sqlNames = new Map<string, string>()
const columnNames = new Map<string, string>()

function toSqlNames(args: Readonly<Record<string, Argument | undefined>>): Arguments {
  const named: Record<string, Argument> = {}
  for (const [name, value] of Object.entries(args)) {
    if (value !== undefined) named[once(sqlNames, name, toSqlName)] = value
  }
  return named
}

function toCamelCase(row: Row): Row {
  const named: Row = {}
  for (const [name, value] of Object.entries(row)) named[once(columnNames, name, toPropertyName)] = value
  return named
}

function once(known: Map<string, string>, name: string, translate: (name: string) => string): string {
  const before = known.get(name)
  if (before !== undefined) return before
  const translated = translate(name)
  known.set(name, translated)
  return translated
}

function toSqlName(name: string): string {
  return `p_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}

function toPropertyName(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
