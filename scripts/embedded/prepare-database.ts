import { createHash } from 'node:crypto'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'
import { applyMigrations, MigrationError } from '../database/apply.ts'
import { prepareSandbox } from '../database/sandbox.ts'
import { DATABASE, LOGINS } from './database-urls.ts'
import type { Secrets } from './secrets.ts'
import { codeOf, StartError } from './start-error.ts'

/** PrepareOptions: `url` gives the superuser's connection string for a database; `secretsFile` is named in the error. */
export type PrepareOptions = { url: (database: string) => string; secrets: Secrets; secretsFile: string; log: (line: string) => void }

// Raise it when the statements below change, so that existing data folders get them.
const PREPARATION = '2'

/**
 * prepareDatabase brings the embedded database up to date: creates it, applies pending migrations, marks it as a sandbox
 * with its prices, and gives the roles their logins. On a database that has all of it, two queries find that out.
 * Throws {@link StartError} when the secrets belong to another database or a migration fails.
 */
export async function prepareDatabase(options: PrepareOptions): Promise<void> {
  const client = await connect(options)
  try {
    const applied = await applyMigrations(client, { log: options.log })
    const mark = `Parley, embedded: ${digest(options.secrets)}`
    const comment = await client.query<{ mark: string | null }>(
      `select shobj_description(oid, 'pg_database') as mark from pg_database where datname = current_database()`
    )
    if (applied.length === 0 && comment.rows[0]?.mark === mark) return
    await prepareSandbox(client)
    await client.query(loginStatements(options.secrets))
    await client.query(`comment on database ${escapeIdentifier(DATABASE)} is ${escapeLiteral(mark)}`)
  } catch (error) {
    throw error instanceof MigrationError ? new StartError(error.message, { cause: error }) : error
  } finally {
    await client.end()
  }
}

async function connect(options: PrepareOptions): Promise<Client> {
  try {
    return await open(options.url(DATABASE))
  } catch (error) {
    if (codeOf(error) === '28P01') {
      throw new StartError(`The passwords in ${options.secretsFile} are not those of the database beside it: put the right file back, or set DATA_DIR to a new folder.`)
    }
    if (codeOf(error) !== '3D000') throw error
  }
  options.log('creating the database…')
  const maintenance = await open(options.url('postgres'))
  try {
    await maintenance.query(`create database ${escapeIdentifier(DATABASE)}`)
  } finally {
    await maintenance.end()
  }
  return open(options.url(DATABASE))
}

async function open(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString })
  // A connection that breaks between two queries is reported by the next query.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

// One simple query is one transaction: all of it or nothing.
function loginStatements({ passwords }: Secrets): string {
  const logins: [string, string][] = [
    [LOGINS.postgrest, passwords.authenticator],
    [LOGINS.server, passwords.server],
    [LOGINS.operator, passwords.operator]
  ]
  return [
    // Unqualified SQL of the runbook then runs for every login, not only for role operator.
    `alter database ${escapeIdentifier(DATABASE)} set search_path = app, api, public;`,
    ...logins.map(([role, password]) => `
      do $$ begin
        if not exists (select from pg_roles where rolname = ${escapeLiteral(role)}) then create role ${escapeIdentifier(role)}; end if;
      end $$;
      alter role ${escapeIdentifier(role)} login noinherit password ${escapeLiteral(password)};`),
    `grant anon, authenticated, service_role to ${escapeIdentifier(LOGINS.postgrest)};`,
    `grant service_role to ${escapeIdentifier(LOGINS.server)};`
  ].join('\n')
}

function digest({ passwords }: Secrets): string {
  return createHash('sha256').update(JSON.stringify([PREPARATION, passwords])).digest('hex').slice(0, 32)
}
