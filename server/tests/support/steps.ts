import type { Client } from 'pg'

/**
 * untilBlocked returns once that many sessions of this database wait for a lock: the named step between two sessions, in
 * place of a sleep. Fails after ten seconds, because then the lock under test does not exist.
 */
export async function untilBlocked(observer: Client, sessions = 1): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const { rowCount } = await observer.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`
    )
    if (rowCount !== null && rowCount >= sessions) return
    if (Date.now() > deadline) throw new Error(`${rowCount} of ${sessions} sessions wait for a lock`)
    await observer.query('select pg_sleep(0.005)')
  }
}
