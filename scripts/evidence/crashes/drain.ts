import type { Pool } from 'pg'
import type { Lane } from './instances.ts'

/** DRAIN_LIMIT_MS is the time after the last kill in which all that was left lying must be done. */
export const DRAIN_LIMIT_MS = 60_000

/** LEASE_AND_EXPIRY: what a killed server had claimed comes back after a minute, what it had reserved after a quarter of an hour. */
const LEASE_AND_EXPIRY = '16 minutes'

/** Drained is how long it took since the last kill, in milliseconds, and what was still left when the limit was over. */
export type Drained = { tookMs: number; left: string | null }

/**
 * drain moves Parley's clock past every lease and expiry and waits until nothing is due and every server is ready. The callers
 * must have stopped: an answer that is being given would expire too.
 */
export async function drain(pool: Pool, lanes: readonly Lane[], lastEndAtMs: number): Promise<Drained> {
  await pool.query(`select api.move_clock(app.clock() + interval '${LEASE_AND_EXPIRY}')`)
  for (;;) {
    const left = await whatIsLeft(pool, lanes)
    const tookMs = performance.now() - lastEndAtMs
    if (left === null || tookMs > DRAIN_LIMIT_MS) return { tookMs, left }
    await pool.query('select pg_sleep(0.05)')
  }
}

async function whatIsLeft(pool: Pool, lanes: readonly Lane[]): Promise<string | null> {
  const { rows } = await pool.query<{ kind: string; count: string }>(`
    select 'deliveries to be retried' as kind, count(*) from app.webhook_events where status in ('received', 'failed') and (next_attempt_at is null or next_attempt_at <= app.clock())
    union all select 'expired reservations', count(*) from app.usage_reservations where status = 'open' and expires_at <= app.clock()
    union all select 'operations', count(*) from app.processor_operations where next_attempt_at <= app.clock()
    union all select 'answers without an end', count(*) from app.messages where status = 'streaming'`)
  const left = rows.filter(({ count }) => count !== '0').map(({ kind, count }) => `${count} ${kind}`)
  for (const lane of lanes) {
    const { url, name } = await lane.current()
    const response = await fetch(`${url}/readyz`).catch(() => null)
    await response?.body?.cancel()
    if (response?.status !== 200) left.push(`${name} is not ready`)
  }
  return left.length === 0 ? null : left.join(', ')
}
