import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from 'pg'
import { applyMigrations, applyRollback, MigrationError, pendingVersions } from './database/apply.ts'
import { withClient } from './database/with-client.ts'

const command = new Command('npm run db:migrate --')
  .description(
    'Applies the pending files of supabase/migrations to a database of your own (Supabase, or any Postgres from 15 on). ' +
      'The embedded database needs no such step: npm start migrates it. The Supabase CLI (supabase db push) does the same ' +
      'and keeps the same history.'
  )
  .option('--url <postgres url>', "the owner's connection string (default: DATABASE_URL, also from .env)")
  .option('--dry-run', 'only list what is pending')
  .option('--rollback <version>', 'undo the latest migration, which must be this one, with its file in supabase/rollbacks')
  .parse()

const options = command.opts<{ url?: string; dryRun?: boolean; rollback?: string }>()

async function main(client: Client): Promise<void> {
  if (options.rollback !== undefined) {
    await applyRollback(client, options.rollback)
    console.log(`rolled back ${options.rollback}`)
  } else if (options.dryRun) {
    const pending = await pendingVersions(client)
    console.log(pending.length === 0 ? 'nothing is pending' : `pending: ${pending.join(', ')}`)
  } else {
    const applied = await applyMigrations(client, { log: (line) => console.log(line) })
    if (applied.length === 0) console.log('nothing to apply')
  }
}

function connectionString(): string {
  const file = join(resolve(import.meta.dirname, '..'), '.env')
  if (existsSync(file)) process.loadEnvFile(file)
  const url = options.url ?? process.env['DATABASE_URL']
  if (url === undefined || url === '') {
    throw new MigrationError('Name the database: set DATABASE_URL or pass --url. (npm start migrates the embedded one itself.)')
  }
  if (!/^postgres(ql)?:\/\//.test(url)) throw new MigrationError('The database is named by a postgres:// URL.')
  return url
}

try {
  await withClient(connectionString(), main)
} catch (error) {
  // What the driver says (refused, wrong password, unknown database) never holds the password.
  console.error(error instanceof Error ? error.message || error.constructor.name : String(error))
  process.exitCode = 1
}
