import type { Client } from 'pg'
import { z } from 'zod'
import type { Database } from '../../../server/src/db/database.ts'
import { openPostgres } from '../../../server/src/db/postgres.ts'
import { openPostgrest } from '../../../server/src/db/postgrest.ts'
import { type Ground, startGround } from '../ground.ts'
import { type Crew, startCrew } from './crew.ts'
import type { History } from './history.ts'
import type { Access } from './order.ts'
import { readCatalog } from './records.ts'

/**
 * Arena is where callers race: two real servers and processes full of callers, half of both on each transport, and what the
 * suite itself looks with.
 *
 * - `databases` is one connected over Postgres and one over PostgREST · `owner` and `watcher` are superusers' connections
 * - `deadlocks` ends every other connection, so that nothing is left to be counted, and answers how many Postgres ever saw
 */
export type Arena = {
  crew: Crew
  servers: number
  databases: [Database, Database]
  owner: Client
  watcher: Client
  catalog: Pick<History, 'quotas' | 'levels'>
  tokensOf(accountIds: string[]): Record<string, string>
  deadlocks(): Promise<number>
  stop(): Promise<void>
}

const deadlocksSchema = z.tuple([z.object({ deadlocks: z.number() })])

/** startArena starts it, with this many processes of callers. */
export async function startArena(processes: number): Promise<Arena> {
  const ground = await startGround()
  const stops: (() => Promise<void>)[] = [() => ground.stop()]
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end()
  }
  try {
    const rest = await ground.startPostgrest()
    const overRest = { DATABASE_URL: '', SUPABASE_URL: rest.url, SUPABASE_SERVICE_ROLE_KEY: rest.key, SUPABASE_REST_PATH: '/' }
    const servers = await Promise.all([ground.startServer(), ground.startServer({ environment: overRest })])
    const accesses = Array.from({ length: processes }, (_, index): Access =>
      index % 2 === 0 ? { transport: 'pg', url: ground.serverUrl } : { transport: 'postgrest', url: rest.url, key: rest.key }
    )
    const crew = await startCrew(accesses, servers.map(({ url }) => url))
    stops.push(() => crew.stop())
    const databases: [Database, Database] = [
      openPostgres({ url: ground.serverUrl, timeoutMs: 60_000 }),
      openPostgrest({ url: rest.url, serviceRoleKey: rest.key, restPath: '/', timeoutMs: 60_000 })
    ]
    stops.push(async () => void (await Promise.all(databases.map((db) => db.close()))))
    const owner = await ground.connect()
    return {
      crew,
      servers: servers.length,
      databases,
      owner,
      watcher: await ground.connect(),
      catalog: await readCatalog(owner),
      tokensOf: (accountIds) => Object.fromEntries(accountIds.map((accountId) => [accountId, ground.token(accountId)])),
      deadlocks: () => countDeadlocks(ground),
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function countDeadlocks(ground: Ground): Promise<number> {
  const client = await ground.connect()
  await client.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
  )
  const { rows } = await client.query('select deadlocks::float8 from pg_stat_database where datname = current_database()')
  return deadlocksSchema.parse(rows)[0].deadlocks
}
