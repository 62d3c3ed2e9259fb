import { randomBytes } from 'node:crypto'
import { afterAll } from '@jest/globals'
import { Client } from 'pg'
import { withClient } from '../../../scripts/database/with-client.ts'
import { postgrestAvailable, serviceRoleKey, startPostgrest } from '../../../scripts/embedded/postgrest.ts'
import type { Database } from '../../src/db/database.ts'
import { openPostgres } from '../../src/db/postgres.ts'
import { openPostgrest } from '../../src/db/postgrest.ts'
import { TEMPLATE } from './test-cluster.ts'

/**
 * TestDatabase is a private clone of the migrated template, dropped when the test file ends. `url` and {@link connect} are
 * the owner's (superuser); `serverUrl` is the login that may become anon, authenticated or service_role, and nothing else.
 * `search_path` is that of the embedded database: app, api, public.
 */
export type TestDatabase = { name: string; url: string; serverUrl: string; connect(): Promise<Client>; drop(): Promise<void> }

/** Transport names the two ways the server reaches its database. */
export type Transport = 'postgrest' | 'pg'

/**
 * transports is for `describe.each(transports)('… over %s', (transport) => …)`. Where npm has no PostgREST for the machine
 * the server falls back to pg alone, and so do the tests.
 */
export const transports: readonly Transport[] = postgrestAvailable() ? ['postgrest', 'pg'] : ['pg']

// Races are about what is decided, on machines of any speed; how long the server itself waits is tried in outages.test.ts.
const TIMEOUT_MS = 10_000

type Closer = () => Promise<void>
const closers: Closer[] = []

/**
 * closeAfterTests runs `close` when the test file ends, in reverse order of registration and before the databases
 * registered earlier are dropped. Whatever holds connections belongs here: a jest `afterAll` would come too late.
 */
export function closeAfterTests(close: Closer): void {
  closers.push(close)
}

afterAll(async () => {
  const failures: unknown[] = []
  for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error))
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('\n'))
})

/** createTestDatabase clones the template (about 50 ms). Call it in `beforeAll` or at the top of a test file. */
export async function createTestDatabase(template = TEMPLATE): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`
  await withClient(ownerUrl('postgres'), async (client) => {
    await client.query(`create database ${name} template ${template}`)
    await client.query(`alter database ${name} set search_path = app, api, public`)
  })
  const clients = new Set<Client>()
  let dropped = false
  const database: TestDatabase = {
    name,
    url: ownerUrl(name),
    serverUrl: serverUrl(name),
    async connect() {
      const client = new Client({ connectionString: ownerUrl(name) })
      await client.connect()
      // A client ended by a test that kills its backend must not end the test process too.
      client.on('error', () => undefined)
      clients.add(client)
      return client
    },
    async drop() {
      if (dropped) return
      dropped = true
      await Promise.all([...clients].map((client) => client.end()))
      await dropDatabase(name)
    }
  }
  closeAfterTests(() => database.drop())
  return database
}

/**
 * openDatabase opens the server's own {@link Database} on a test database, as the server does: role service_role, through
 * a PostgREST of this database or through a pool, with `connections` of them. Closed when the test file ends.
 */
export async function openDatabase(transport: Transport, testDatabase: TestDatabase, connections = 20): Promise<Database> {
  const database =
    transport === 'pg'
      ? openPostgres({ url: testDatabase.serverUrl, poolSize: connections, timeoutMs: TIMEOUT_MS })
      : await openThroughPostgrest(testDatabase, connections)
  closeAfterTests(() => database.close())
  return database
}

async function openThroughPostgrest(testDatabase: TestDatabase, connections: number): Promise<Database> {
  const jwtSecret = randomBytes(32).toString('hex')
  const log: string[] = []
  const postgrest = await startPostgrest({
    databaseUrl: testDatabase.serverUrl,
    jwtSecret,
    schemas: 'api',
    pool: connections,
    lockTimeoutMs: TIMEOUT_MS,
    log: (line: string) => log.push(line)
  })
  closeAfterTests(() => postgrest.stop())
  return openPostgrest({ url: postgrest.url, serviceRoleKey: serviceRoleKey(jwtSecret), restPath: '/', timeoutMs: TIMEOUT_MS })
}

async function dropDatabase(name: string): Promise<void> {
  await withClient(ownerUrl('postgres'), async (client) => {
    const leaked = await remainingConnections(client, name)
    await client.query(`drop database ${name} with (force)`)
    if (leaked.length > 0) {
      throw new Error(`Connections to ${name} were never closed (use closeAfterTests):\n${leaked.join('\n')}`)
    }
  })
}

// A backend ends a moment after its client has: only what is still there after two seconds is a leak.
async function remainingConnections(client: Client, name: string): Promise<string[]> {
  const deadline = Date.now() + 2_000
  for (;;) {
    const { rows } = await client.query<{ description: string }>(
      `select format('- %s %s: %s', usename, application_name, left(query, 200)) as description
         from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [name]
    )
    if (rows.length === 0 || Date.now() > deadline) return rows.map((row) => row.description)
    await client.query('select pg_sleep(0.02)')
  }
}

function ownerUrl(database: string): string {
  return Object.assign(new URL(fromSetup('PARLEY_TEST_OWNER_URL')), { pathname: `/${database}` }).href
}

function serverUrl(database: string): string {
  const login = { username: 'authenticator', password: fromSetup('PARLEY_TEST_AUTHENTICATOR_PASSWORD') }
  return Object.assign(new URL(ownerUrl(database)), login).href
}

function fromSetup(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error('The test Postgres is not running: start the tests with `npm test`.')
  return value
}
