import { Command } from 'commander'
import { resolve } from 'node:path'
import { applyMigrations, applySchemas, MigrationError } from './database/apply.ts'
import { compareCatalogs, describeDifference, readCatalog } from './database/catalog.ts'
import { GitError, landedChanges } from './database/landed.ts'
import { withScratchDatabase } from './database/scratch-postgres.ts'

const command = new Command('npm run db:parity --')
  .description(
    'Builds one database from supabase/migrations and one from supabase/schemas, each in a Postgres of its own, and requires ' +
      'identical definitions, grants, policies, comments, roles and reference rows. Exits 1 on a difference.'
  )
  .option('--check-landed', 'also refuse landed migrations that were modified, deleted or renamed (needs git)')
  .option('--base <ref>', 'the branch that migrations land on (default: where this branch left origin/main, else HEAD)')
  .parse()

const options = command.opts<{ checkLanded?: boolean; base?: string }>()

async function main(): Promise<boolean> {
  const landed = options.checkLanded ? checkLanded(options.base) : true
  const [migrated, declared] = await Promise.all([
    withScratchDatabase(async (client) => {
      await applyMigrations(client)
      return readCatalog(client)
    }),
    withScratchDatabase(async (client) => {
      await applySchemas(client)
      return readCatalog(client)
    })
  ])
  const differences = compareCatalogs(migrated, declared)
  for (const difference of differences) console.log(describeDifference(difference, 'migrations', 'schemas'))
  if (differences.length > 0) {
    console.log(`\nschema parity: ${differences.length} differences (- migrations, + schemas).`)
    return false
  }
  console.log(`schema parity: ${migrated.size} definitions, identical from migrations and from schemas.`)
  return landed
}

function checkLanded(base: string | undefined): boolean {
  const changes = landedChanges(resolve(import.meta.dirname, '..'), base)
  if (changes === null) {
    console.log('landed migrations: not checked, there is no git history here.')
    return true
  }
  for (const change of changes) console.log(`landed migrations: ${change}. Write a new migration instead.`)
  if (changes.length === 0) console.log('landed migrations: unchanged.')
  return changes.length === 0
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  if (!(error instanceof MigrationError || error instanceof GitError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
