import { join, resolve } from 'node:path'
import { readMigrations, type MigrationFile } from './migration-files.ts'
import { readSchemaFiles, SUPABASE_FOLDER, type SchemaFile } from './schema-files.ts'

/** Request: `name` is verb_noun; `files` are files of supabase/schemas, given from anywhere (`functions/read_usage.sql`). */
export type Request = { name: string; files: string[]; now: Date; supabaseFolder?: string }

/** NewMigration is what is to be written: one file name, its text, and the text of its rollback or null. */
export type NewMigration = { file: string; sql: string; rollback: string | null }

/** RequestError is a request that cannot be met, in one sentence. */
export class RequestError extends Error {}

/**
 * composeMigration pastes the files of supabase/schemas verbatim between marks, in their load order, so that what is
 * deployed is what is read.
 * The rollback, made only when a pasted file defines a function, puts back each function's previous text, or drops the
 * function if no migration had it before.
 */
export function composeMigration(request: Request): NewMigration {
  const supabaseFolder = request.supabaseFolder ?? SUPABASE_FOLDER
  if (!/^[a-z]+(_[a-z0-9]+)+$/.test(request.name)) {
    throw new RequestError(`"${request.name}" is no verb_noun, such as add_release_quota.`)
  }
  const all = readSchemaFiles(supabaseFolder)
  const wanted = new Set(request.files.map((file) => find(file, all, supabaseFolder)))
  const texts = all.filter((file) => wanted.has(file))
  const migrations = readMigrations(supabaseFolder)
  const undo = texts
    .filter(({ sql }) => functionsOf(sql).length > 0)
    .toReversed()
    .map(({ path, sql }) => undoFile(path, sql, migrations))
  return {
    file: `${nextVersion(request.now, migrations)}_${request.name}.sql`,
    sql: texts.map(({ path, sql }) => include(path, sql)).join('\n'),
    rollback: undo.length === 0 ? null : undo.join('\n')
  }
}

/** functionsOf lists the qualified names of the functions an SQL text creates. House rule: no overloads, so a name is enough. */
export function functionsOf(sql: string): string[] {
  const created = sql.matchAll(/^create(?:\s+or\s+replace)?\s+(function|procedure)\s+([a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*)\s*\(/gim)
  return [...new Set([...created].map((match) => `${match[1]?.toLowerCase()} ${match[2]}`))]
}

function undoFile(path: string, sql: string, migrations: MigrationFile[]): string {
  const previous = migrations.map((migration) => includedText(migration.sql, path)).findLast((text) => text !== null)
  if (previous !== undefined && previous !== null) return include(path, previous)
  return functionsOf(sql)
    .reverse()
    .map((name) => `drop ${name};\n`)
    .join('')
}

function include(path: string, sql: string): string {
  return `--! Included ${path}\n${sql.trimEnd()}\n--! EndIncluded ${path}\n`
}

/** includedText returns what a migration pasted from `path` (`schemas/functions/x.sql`), or null. */
function includedText(migration: string, path: string): string | null {
  const start = `--! Included ${path}\n`
  const from = migration.lastIndexOf(start)
  const to = migration.indexOf(`--! EndIncluded ${path}\n`, from)
  return from === -1 || to === -1 ? null : migration.slice(from + start.length, to)
}

function find(file: string, all: SchemaFile[], supabaseFolder: string): SchemaFile {
  const bases = ['.', join(supabaseFolder, 'schemas'), supabaseFolder, join(supabaseFolder, '..')]
  const candidates = bases.map((base) => resolve(base, file))
  const found = all.find(({ path }) => candidates.includes(join(supabaseFolder, path)))
  if (found === undefined) throw new RequestError(`supabase/schemas has no file ${file}.`)
  return found
}

// A version is the UTC second, and always later than the last one, whatever the clocks of two authors say.
function nextVersion(now: Date, migrations: MigrationFile[]): string {
  const version = now.toISOString().replaceAll(/\D/g, '').slice(0, 14)
  const last = migrations.at(-1)?.version ?? ''
  if (version > last) return version
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(last) ?? []
  const next = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`).getTime() + 1_000
  if (Number.isNaN(next)) throw new RequestError(`The last migration's version ${last} is no time; rename it first.`)
  return new Date(next).toISOString().replaceAll(/\D/g, '').slice(0, 14)
}
