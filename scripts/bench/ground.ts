import type { Client } from 'pg'
import { type Ground, startGround } from '../evidence/ground.ts'

/**
 * SETTINGS of the Postgres under test: durable as in production (every commit is on disk before it is answered), with the
 * memory a small server has. Checkpoints are made before a comparison and not forced into one.
 */
export const SETTINGS: Record<string, string> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  max_connections: '600',
  maintenance_work_mem: '512MB',
  autovacuum: 'on'
}

/** BenchGround is a {@link Ground} with a superuser's connection, and `url` for another database on the same Postgres. */
export type BenchGround = Ground & { admin: Client; url(database: string, as: 'superuser' | 'server'): string }

/** withBenchGround runs `work` on a database and Postgres of its own, which are gone afterwards. */
export async function withBenchGround<Result>(work: (ground: BenchGround) => Promise<Result>): Promise<Result> {
  const ground = await startGround(SETTINGS)
  try {
    const admin = await ground.connect()
    const url = (database: string, as: 'superuser' | 'server'): string => {
      const changed = new URL(as === 'server' ? ground.serverUrl : ground.databaseUrl)
      changed.pathname = `/${database}`
      return changed.href
    }
    return await work({ ...ground, admin, url })
  } finally {
    await ground.stop()
  }
}

/** settle vacuums, and writes everything to disk, so that no comparison pays for what was loaded before it. */
export async function settle(client: Client): Promise<void> {
  // Each on its own: VACUUM refuses to run inside a transaction block, which several statements in one query are.
  await client.query('vacuum (analyze)')
  await client.query('checkpoint')
}
