import { Command } from 'commander'
import { type Database, DatabaseError, DatabaseUnavailable } from '../server/src/db/database.ts'
import { type Check, checkInvariants } from '../server/src/db/functions/check-invariants.ts'
import { schemaVersion } from '../server/src/db/functions/schema-version.ts'
import { isOlder, requiredSchemaVersion } from '../server/src/db/required-schema-version.ts'
import { type Chosen, chooseDatabase } from './doctor/choose-database.ts'
import { sumOf, tableOf } from './doctor/report.ts'
import { loadEnvironment } from './embedded/environment.ts'
import { StartError } from './embedded/start-error.ts'

const VIOLATED = 1
const NOT_CHECKED = 2

const command = new Command('npm run doctor --')
  .description(
    'Asks the database whether every invariant of ARCHITECTURE.md holds and every grant is as it must be. It changes nothing. ' +
      'Which database: --url, else DATABASE_URL, else SUPABASE_URL with SUPABASE_SERVICE_ROLE_KEY, else the embedded one that ' +
      'runs on DATA_DIR; each also from .env.'
  )
  .option('--url <postgres url>', 'of the owner, of role operator, or of a login that may become service_role')
  .option('--json', 'print the checks as JSON')
  .addHelpText('after', '\nExits with 0 when all hold, 1 when one is violated, 2 when they could not be checked.')
  // Commander's own 1 would read as a violation.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : NOT_CHECKED))
  .parse()

const options = command.opts<{ url?: string; json?: boolean }>()

async function main(): Promise<void> {
  const chosen = chooseDatabase(options.url, loadEnvironment())
  try {
    const checks = await check(chosen)
    const version = await readVersion(chosen.db)
    const needed = requiredSchemaVersion()
    if (version !== undefined && isOlder(version, needed)) {
      console.error(`The schema is older than this checkout (${version ?? 'no version'}, not ${needed}): ${migrationsOf(chosen)}.`)
    }
    print(chosen, checks)
    if (checks.some(({ violations }) => violations > 0)) process.exitCode = VIOLATED
  } finally {
    await chosen.db.close()
  }
}

async function check(chosen: Chosen): Promise<Check[]> {
  try {
    const checks = await checkInvariants(chosen.db)
    // "All 0 checks hold" would be no good news.
    if (checks.length === 0) throw new StartError(`api.check_invariants() of ${chosen.name} checks nothing: ${migrationsOf(chosen)}.`)
    return checks
  } catch (error) {
    throw explain(error, chosen)
  }
}

function print({ name }: Chosen, checks: Check[]): void {
  if (options.json) {
    console.log(JSON.stringify(checks, null, 2))
    return
  }
  const width = process.stdout.isTTY ? process.stdout.columns : Infinity
  console.log([`checking ${name}`, ...tableOf(checks, width), '', sumOf(checks)].join('\n'))
}

// Undefined where the login may not ask: the operator may check, but not read the version.
async function readVersion(db: Database): Promise<string | null | undefined> {
  try {
    return await schemaVersion(db)
  } catch (error) {
    if (error instanceof DatabaseError) return error.sqlstate === '42501' ? undefined : null
    throw error
  }
}

function migrationsOf({ isEmbedded }: Chosen): string {
  return isEmbedded ? 'apply the migrations by restarting `npm start`' : 'apply the migrations with `npm run db:migrate`'
}

function explain(error: unknown, chosen: Chosen): unknown {
  const { name } = chosen
  if (error instanceof DatabaseUnavailable) return new StartError(`Cannot reach ${name}: ${error.message}`, { cause: error })
  if (!(error instanceof DatabaseError)) return error
  const { sqlstate, message } = error
  // No such function or schema, as Postgres and as PostgREST say it.
  if (['42883', '3F000', 'PGRST202'].includes(sqlstate)) {
    return new StartError(`The schema of ${name} has no such function yet (${message}): ${migrationsOf(chosen)}.`, { cause: error })
  }
  if (sqlstate === 'PGRST106') {
    return new StartError(`The API of ${name} does not offer schema api (${message}): expose it in the API settings.`, { cause: error })
  }
  if (sqlstate === '42501') {
    return new StartError(
      `This login may not check ${name} (${message}): use the owner's, or have "grant operator to <login>" or, for the server's key, service_role.`,
      { cause: error }
    )
  }
  return new StartError(`Cannot check ${name}: ${message} (${sqlstate})`, { cause: error })
}

try {
  await main()
} catch (error) {
  console.error(error instanceof StartError ? error.message : error)
  process.exitCode = NOT_CHECKED
}
