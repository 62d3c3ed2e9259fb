import { DatabaseError, type ClientBase } from 'pg'
import { readMigrations, type MigrationFile } from './migration-files.ts'
import { readSchemaFiles, SUPABASE_FOLDER } from './schema-files.ts'

/** MigrationError is a refusal or a failure whose message is one sentence for the person at the keyboard. */
export class MigrationError extends Error {}

/**
 * Options: `log` takes one line per applied migration, `supabaseFolder` is another `supabase/` than this checkout's,
 * `through` is the last version to apply.
 */
export type Options = { log?: (line: string) => void; supabaseFolder?: string; through?: string }

// The search path a fresh database has. The embedded database sets another one, and a file must mean the same on both.
const BARE_SEARCH_PATH = `set local search_path to "$user", public`
// Each turn was lost to somebody who has ended since.
const MAX_TURNS = 10
const LOCK_KEY = `hashtextextended('parley.migrations', 0)`

/**
 * applySchemas builds the present schema in an empty database from `supabase/schemas`, in one transaction.
 * Function bodies are not checked then, so that the order of the files inside one folder does not matter.
 */
export async function applySchemas(client: ClientBase, options: Options = {}): Promise<void> {
  await inTransaction(client, async () => {
    await client.query('set local check_function_bodies = off')
    for (const file of readSchemaFiles(options.supabaseFolder)) await run(client, `supabase/${file.path}`, file.sql)
  })
}

/**
 * applyMigrations applies the pending files of `supabase/migrations`, each in its own transaction, and returns their
 * versions. It records them as the Supabase CLI does (`supabase_migrations.schema_migrations`), so that both may be used
 * on one database. An advisory lock makes a second starter wait and then find nothing to do.
 *
 * Throws {@link MigrationError} when the database holds a version this checkout does not know, when a pending file is
 * older than an applied one, when the login may not create schemas and roles, and when a file fails (which then left
 * nothing behind).
 */
export async function applyMigrations(client: ClientBase, options: Options = {}): Promise<string[]> {
  const migrations = readMigrations(options.supabaseFolder)
  await client.query(`select pg_advisory_lock(${LOCK_KEY})`)
  try {
    const { through = '99999999999999' } = options
    const pending = pendingMigrations(migrations, await appliedMigrations(client)).filter(({ version }) => version <= through)
    if (pending.length === 0) return []
    await requireRights(client)
    await inTransaction(client, () => createHistory(client))
    for (const migration of pending) {
      await inTransaction(client, async () => {
        await run(client, `supabase/migrations/${migration.file}`, migration.sql)
        await client.query(
          'insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)',
          [migration.version, migration.name, [migration.sql]]
        )
      })
      options.log?.(`applied ${migration.file}`)
    }
    await client.query(`notify pgrst, 'reload schema'`)
    return pending.map((migration) => migration.version)
  } finally {
    // Without its catch a connection lost inside a migration would hide the migration's own error.
    await client.query(`select pg_advisory_unlock(${LOCK_KEY})`).catch(() => undefined)
  }
}

/** pendingVersions tells which versions {@link applyMigrations} would apply now; it changes nothing. */
export async function pendingVersions(client: ClientBase, options: Options = {}): Promise<string[]> {
  const pending = pendingMigrations(readMigrations(options.supabaseFolder), await appliedMigrations(client))
  return pending.map((migration) => migration.version)
}

/**
 * applyRollback undoes the latest applied migration with its file of the same name under `supabase/rollbacks` and removes
 * it from the history, in one transaction. Any other version is refused: what came later may stand on it.
 */
export async function applyRollback(client: ClientBase, version: string, options: Options = {}): Promise<void> {
  const supabaseFolder = options.supabaseFolder ?? SUPABASE_FOLDER
  const migration = readMigrations(supabaseFolder).find((candidate) => candidate.version === version)
  if (!migration) throw new MigrationError(`There is no migration ${version} in this checkout.`)
  const { file, rollback } = migration
  if (rollback === null) throw new MigrationError(`supabase/rollbacks/${file} does not exist: ${version} has no way back.`)
  await client.query(`select pg_advisory_lock(${LOCK_KEY})`)
  try {
    const applied = await appliedMigrations(client)
    const latest = applied.at(-1)?.version
    if (latest !== version) {
      throw new MigrationError(`Only the latest migration (${latest ?? 'none'}) can be rolled back, not ${version}.`)
    }
    await inTransaction(client, async () => {
      await run(client, `supabase/rollbacks/${file}`, rollback)
      await client.query('delete from supabase_migrations.schema_migrations where version = $1', [version])
    })
    await client.query(`notify pgrst, 'reload schema'`)
  } finally {
    await client.query(`select pg_advisory_unlock(${LOCK_KEY})`).catch(() => undefined)
  }
}

type Applied = { version: string; name: string | null }

async function appliedMigrations(client: ClientBase): Promise<Applied[]> {
  const history = await client.query<{ present: boolean }>(
    `select to_regclass('supabase_migrations.schema_migrations') is not null as present`
  )
  if (!history.rows[0]?.present) return []
  const applied = await client.query<Applied>(
    'select version, name from supabase_migrations.schema_migrations order by version'
  )
  return applied.rows
}

function pendingMigrations(migrations: MigrationFile[], applied: Applied[]): MigrationFile[] {
  const known = new Set(migrations.map((migration) => migration.version))
  const unknown = applied.filter(({ version }) => !known.has(version))
  if (unknown.length > 0) {
    const names = unknown.map(({ version, name }) => (name ? `${version}_${name}` : version)).join(', ')
    throw new MigrationError(
      `The database holds ${names}, which this checkout does not know: it was migrated by a newer or another checkout. ` +
        'Update this checkout or choose another database. Nothing was changed.'
    )
  }
  const done = new Set(applied.map(({ version }) => version))
  const latest = applied.at(-1)?.version ?? ''
  const pending = migrations.filter(({ version }) => !done.has(version))
  const late = pending.filter(({ version }) => version < latest)
  if (late.length > 0) {
    throw new MigrationError(
      `${late.map(({ file }) => file).join(', ')} is older than ${latest}, which the database already has: ` +
        'give it a new timestamp, so that every database gets the same order. Nothing was changed.'
    )
  }
  return pending
}

async function requireRights(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ login: string; database: string; may_create: boolean; may_add_roles: boolean }>(
    `select current_user as login, current_database() as database,
            has_database_privilege(current_database(), 'create') as may_create,
            rolsuper or rolcreaterole as may_add_roles
       from pg_roles where rolname = current_user`
  )
  const rights = rows[0]
  if (rights?.may_create && rights.may_add_roles) return
  throw new MigrationError(
    `The login ${rights?.login ?? ''} may not ${rights?.may_create ? 'create roles' : 'create schemas'} in database ` +
      `${rights?.database ?? ''}: migrate with the owner's connection string ("postgres" on Supabase).`
  )
}

async function createHistory(client: ClientBase): Promise<void> {
  await client.query(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;`)
}

/**
 * inTransaction does `work` whole or not at all; again when another database of the server was changing the same role:
 * roles belong to all of them, and no lock of one keeps the others out.
 */
async function inTransaction(client: ClientBase, work: () => Promise<void>): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    await client.query('begin')
    try {
      await work()
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback').catch(() => undefined)
      if (turn === MAX_TURNS || !isRaceForARole(error)) throw error
    }
  }
}

function isRaceForARole(error: unknown): boolean {
  const cause = error instanceof MigrationError ? error.cause : error
  if (!(cause instanceof DatabaseError)) return false
  return cause.message === 'tuple concurrently updated' || cause.constraint === 'pg_authid_rolname_index'
}

async function run(client: ClientBase, path: string, sql: string): Promise<void> {
  // A file of comments only is an empty query, which is fine; a file is one simple query with many statements.
  await client.query(BARE_SEARCH_PATH)
  try {
    await client.query(sql)
  } catch (error) {
    throw new MigrationError(describeFailure(path, sql, error), { cause: error })
  }
}

function describeFailure(path: string, sql: string, error: unknown): string {
  if (!(error instanceof DatabaseError)) return `${path}: ${error instanceof Error ? error.message : String(error)}`
  const line = error.position === undefined ? '' : `:${sql.slice(0, Number(error.position) - 1).split('\n').length}`
  const more = [error.detail, error.hint, error.where].filter((part) => part !== undefined).join(' ')
  const rights = error.code === '42501' ? ` The login may not do this: migrate with the owner's connection string.` : ''
  return `${path}${line}: ${error.message} (${error.code ?? 'no code'}).${more === '' ? '' : ` ${more}`}${rights}`
}
