import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { signSessionToken } from '../../server/src/sandbox/session-token.ts'
import { applyMigrations } from '../database/apply.ts'
import { prepareSandbox } from '../database/sandbox.ts'
import { withClient } from '../database/with-client.ts'
import { localKeys } from '../embedded/local-keys.ts'
import { startPostgres } from '../embedded/postgres.ts'
import { serviceRoleKey, startPostgrest, type Postgrest } from '../embedded/postgrest.ts'
import { makeSecrets, type Secrets } from '../embedded/secrets.ts'
import { startServerProcess, type ServerProcess } from './server-process.ts'

/** AUTHORIZED_PARTY is the origin the session tokens of {@link Ground.token} are for. */
export const AUTHORIZED_PARTY = 'http://localhost:4000'

/**
 * Ground is what a suite attacks: a migrated database on a Postgres of its own, durable as in production, and as many real
 * server processes as it starts. Nothing of it survives `stop`.
 *
 * - `connect` opens a superuser's connection to look with (ended by `stop`); `databaseUrl` is the superuser's,
 *   `serverUrl` that of the login that may become anon, authenticated or service_role and nothing else.
 * - `environment` is what a server process needs besides its transport; `startServer` adds DATABASE_URL, or PostgREST's
 *   with `transport: 'postgrest'`; what is given in `environment` there wins (NODE_ENV, LOG_LEVEL, a proxy's URL …).
 * - `startPostgrest` with `lockTimeoutMs` waits longer than a server's own does, for locks and for a free connection.
 * - `crashPostgres` ends Postgres as a power cut would (SIGQUIT: nothing is written any more) and starts it again on the
 *   same files and port; answers the milliseconds until it took connections again.
 */
export type Ground = {
  secrets: Secrets
  databaseUrl: string
  serverUrl: string
  postgresPort: number
  environment: Record<string, string>
  connect(): Promise<Client>
  token(accountId: string, options?: { operator?: boolean; expiresInSeconds?: number }): string
  startPostgrest(options?: { databaseUrl?: string; lockTimeoutMs?: number }): Promise<Postgrest & { jwtSecret: string; key: string }>
  startServer(options?: { transport?: 'pg' | 'postgrest'; environment?: Record<string, string> }): Promise<ServerProcess>
  crashPostgres(): Promise<number>
  stop(): Promise<void>
}

const DATABASE = 'parley_evidence'

/** startGround starts it; `settings` are for Postgres, over the defaults. */
export async function startGround(settings: Record<string, string> = {}): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-evidence-'))
  // Postgres refuses to run as root, and its own user must be able to enter.
  chmodSync(folder, 0o711)
  const stops: (() => Promise<unknown>)[] = [() => Promise.resolve(rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))]
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end()
  }
  try {
    const options = {
      dataDir: join(folder, 'postgres'),
      superuserPassword: randomBytes(16).toString('hex'),
      // A power cut is played by ending Postgres: the kernel keeps what was written, so fsync would only slow it down.
      settings: { max_connections: '200', fsync: 'off', synchronous_commit: 'on', max_wal_size: '4GB', ...settings },
      log: () => undefined
    }
    let postgres = await startPostgres(options)
    const { port } = postgres
    stops.push(() => postgres.stop())
    const databaseUrl = postgres.url(DATABASE)
    const serverUrl = await prepareDatabase(postgres.url('postgres'), databaseUrl)
    const secrets = await makeSecrets()
    const environment = environmentOf(secrets)

    const startRest = async (rest: { databaseUrl?: string; lockTimeoutMs?: number } = {}): Promise<Postgrest & { jwtSecret: string; key: string }> => {
      const jwtSecret = randomBytes(32).toString('hex')
      const postgrest = await startPostgrest({ databaseUrl: serverUrl, ...rest, jwtSecret, schemas: 'api', pool: 20, log: () => undefined })
      stops.push(() => postgrest.stop())
      return { ...postgrest, jwtSecret, key: serviceRoleKey(jwtSecret) }
    }
    return {
      secrets,
      databaseUrl,
      serverUrl,
      postgresPort: port,
      environment,
      async connect() {
        const client = new Client({ connectionString: databaseUrl })
        await client.connect()
        // It breaks when Postgres is ended on purpose.
        client.on('error', () => undefined)
        stops.push(() => client.end().catch(() => undefined))
        return client
      },
      token: (accountId, { operator = false, expiresInSeconds = 86_400 } = {}) =>
        signSessionToken(secrets.clerk.privateKey, {
          userId: accountId, organization: null, operator, authorizedParty: AUTHORIZED_PARTY, expiresInSeconds
        }),
      startPostgrest: startRest,
      async startServer({ transport = 'pg', environment: own = {} } = {}) {
        const access = transport === 'pg' ? { DATABASE_URL: serverUrl } : await restAccess(startRest)
        const server = await startServerProcess({ ...environment, ...access, ...own })
        stops.push(() => server.kill('SIGKILL'))
        return server
      },
      async crashPostgres() {
        const begun = performance.now()
        process.kill(postgres.pid, 'SIGQUIT')
        await postgres.ended
        postgres = await startPostgres({ ...options, port })
        return performance.now() - begun
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** prepareDatabase makes the migrated database and the server's login, and returns the URL of that login. */
async function prepareDatabase(clusterUrl: string, databaseUrl: string): Promise<string> {
  const password = randomBytes(16).toString('hex')
  await withClient(clusterUrl, (client) => client.query(`create database ${DATABASE}`))
  await withClient(databaseUrl, async (client) => {
    await applyMigrations(client)
    await prepareSandbox(client)
    await client.query(`alter database ${DATABASE} set search_path = app, api, public`)
    await client.query(`create role parley_server login noinherit password '${password}'`)
    await client.query('grant anon, authenticated, service_role to parley_server')
  })
  const url = new URL(databaseUrl)
  url.username = 'parley_server'
  url.password = password
  return url.href
}

async function restAccess(start: () => Promise<Postgrest & { key: string }>): Promise<Record<string, string>> {
  const { url, key } = await start()
  return { SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: key, SUPABASE_REST_PATH: '/' }
}

function environmentOf(secrets: Secrets): Record<string, string> {
  return {
    ...localKeys({ signIn: true, stripe: true, paddle: true, razorpay: true, clerkWebhooks: true, payments: false }, secrets),
    CLERK_AUTHORIZED_PARTIES: AUTHORIZED_PARTY,
    PARLEY_EMBEDDED: '1',
    CLIENT_DIR: '/nowhere',
    RATE_LIMIT_ACCOUNT_PER_MINUTE: '1000000',
    RATE_LIMIT_ADDRESS_PER_MINUTE: '1000000'
  }
}
