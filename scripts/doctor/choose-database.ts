import { Client, DatabaseError as PostgresError } from 'pg'
import { type Arguments, type Database, DatabaseError, DatabaseUnavailable, type Row, toDatabaseError } from '../../server/src/db/database.ts'
import { rowsOf, statement } from '../../server/src/db/postgres.ts'
import { openPostgrest } from '../../server/src/db/postgrest.ts'
import { dataPaths } from '../embedded/data-folder.ts'
import { databaseUrl } from '../embedded/database-urls.ts'
import { dataDirOf, type Environment, settingOf } from '../embedded/environment.ts'
import { readRunState } from '../embedded/run-state.ts'
import { readSecrets } from '../embedded/secrets.ts'
import { codeOf, StartError } from '../embedded/start-error.ts'

/** Chosen is the database to check; `name` says in words which one, without any password; `isEmbedded`: npm start migrates it. */
export type Chosen = { name: string; isEmbedded: boolean; db: Database }

// Longer than the server waits: the checks read the whole ledger.
const TIMEOUT_MS = 60_000
const CONNECT_LIMIT_MS = 10_000
const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * chooseDatabase takes the first there is: `url` (of `--url`), DATABASE_URL, Supabase, the embedded database that runs on
 * DATA_DIR. It does not connect yet. Throws {@link StartError} when there is none, or what is given is no address.
 */
export function chooseDatabase(url: string | undefined, environment: Environment): Chosen {
  if (url !== undefined) return postgres('--url', url)
  const databaseSetting = settingOf(environment, 'DATABASE_URL')
  if (databaseSetting !== undefined) return postgres('DATABASE_URL', databaseSetting)
  const supabaseUrl = settingOf(environment, 'SUPABASE_URL')
  const key = settingOf(environment, 'SUPABASE_SERVICE_ROLE_KEY')
  if (supabaseUrl !== undefined && key !== undefined) {
    return postgrest(supabaseUrl, key, settingOf(environment, 'SUPABASE_REST_PATH'))
  }
  if (supabaseUrl !== undefined || key !== undefined) {
    const [present, missing] = key === undefined ? ['SUPABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY'] : ['SUPABASE_SERVICE_ROLE_KEY', 'SUPABASE_URL']
    throw new StartError(`${missing} is not set although ${present} is: set both or neither.`)
  }
  return embedded(dataDirOf(environment))
}

function postgres(origin: string, url: string): Chosen {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) throw new StartError(`${origin} is not a postgres:// URL.`)
  const { host, pathname } = new URL(url)
  const attempts = [{ url, role: null }, { url, role: 'service_role' }] as const
  return { name: `the database of ${origin} (${host}${pathname})`, isEmbedded: false, db: openDirect(attempts) }
}

function postgrest(url: string, serviceRoleKey: string, restPath: string | undefined): Chosen {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new StartError('SUPABASE_URL is not an https:// URL.')
  const db = openPostgrest({ url, serviceRoleKey, timeoutMs: TIMEOUT_MS, ...(restPath === undefined ? {} : { restPath }) })
  return { name: `the database of SUPABASE_URL (${new URL(url).host})`, isEmbedded: false, db }
}

function embedded(dataDir: string): Chosen {
  const paths = dataPaths(dataDir)
  const state = readRunState(paths)
  const secrets = readSecrets(paths)
  if (state === null || secrets === null) {
    throw new StartError(
      `There is no database to check: none runs on ${paths.folder} (\`npm start\` runs one), and neither --url, DATABASE_URL nor SUPABASE_URL is given.`
    )
  }
  // Only the server may ask for the schema version.
  const [operator, server] = [databaseUrl('operator', state.postgres.port, secrets), databaseUrl('server', state.postgres.port, secrets)]
  const attempts = [{ url: operator, role: null }, { url: server, role: null }] as const
  return { name: `the embedded database of ${paths.folder}`, isEmbedded: true, db: openDirect(attempts) }
}

// One way in: a postgres:// URL, and the role to take on after the login (null: none).
type Attempt = { url: string; role: 'service_role' | null }

// Asks as the logins of the URLs themselves, unlike the server's pool, whose sessions are always service_role: each call goes
// through the attempts until one has the right to make it, on a connection of its own and read-only.
function openDirect(attempts: readonly [Attempt, ...Attempt[]]): Database {
  return {
    async rpc(name, args) {
      let refused: unknown
      for (const attempt of attempts) {
        try {
          return await ask(attempt, name, args)
        } catch (error) {
          if (!(error instanceof DatabaseError) || error.sqlstate !== INSUFFICIENT_PRIVILEGE) throw error
          // The first refusal names the function; a later one may only say that the role cannot be taken on.
          refused ??= error
        }
      }
      throw refused
    },
    close: () => Promise.resolve()
  }
}

async function ask({ url, role }: Attempt, name: string, args: Arguments): Promise<Row[]> {
  const { text, values } = statement(name, args)
  try {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_LIMIT_MS, application_name: 'parley doctor' })
    // A connection that breaks between two queries is reported by the next query.
    client.on('error', () => undefined)
    try {
      await client.connect()
      // All checks then see one moment; and `set local` is safe behind a pooler.
      await client.query('begin transaction isolation level repeatable read read only')
      if (role !== null) await client.query(`set local role ${role}`)
      return rowsOf(name, (await client.query(text, values)).rows)
    } finally {
      await client.end()
    }
  } catch (error) {
    throw translate(error)
  }
}

function translate(error: unknown): unknown {
  if (error instanceof PostgresError) {
    return toDatabaseError({ sqlstate: error.code ?? 'XX000', message: error.message, detail: error.detail ?? null, cause: error })
  }
  // Several addresses refused: an AggregateError without a message of its own.
  if (error instanceof Error) return new DatabaseUnavailable(error.message || codeOf(error), { cause: error })
  return error
}
