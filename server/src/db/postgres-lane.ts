import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/**
 * LaneOptions: at most `size` connections to `url`; one that is not free or made after `acquireMs` is given up; Postgres
 * itself ends a statement after `statementMs`. All in milliseconds. `onError` hears of idle connections that broke,
 * `onSilence` of one on which Postgres has fallen silent.
 */
export type LaneOptions = {
  url: string
  size: number
  acquireMs: number
  statementMs: number
  onError: (error: Error) => void
  onSilence: () => void
}

/**
 * Lane is a pool of connections for calls of one kind.
 *
 * - `query` answers the rows, and rejects when there are none until `endMs` (of performance.now()).
 * - `renew` leaves the connections to what runs on them, and makes new ones for everything else.
 * - `close` ends the connections; those of a database that does not answer are left to the process's end.
 */
export type Lane = {
  query(text: string, values: unknown[], endMs: number): Promise<unknown[]>
  renew(): void
  close(): Promise<void>
}

// UTC, so that timestamps read the same as over PostgREST on Supabase. And a statement that waits for a lock must not be done
// after all when the lock is free, long after its caller was told that it failed and the connection was closed.
const SESSION = '-c role=service_role -c TimeZone=UTC -c client_connection_check_interval=250'
// The least a statement is waited for, when most of the time went by without a connection.
const LEAST_WAIT_MS = 50
const CLOSE_LIMIT_MS = 2_000

/** openLane connects when it is first asked. */
export function openLane(options: LaneOptions): Lane {
  const { url, size, acquireMs, statementMs } = options
  const connect = (): pg.Pool => {
    const made = new pg.Pool({
      // The URL's own options come after, and win.
      options: `${SESSION} -c statement_timeout=${Math.ceil(statementMs)}`,
      connectionString: url,
      max: size,
      connectionTimeoutMillis: Math.ceil(acquireMs),
      application_name: 'parley'
    })
    // Without a listener the loss of an idle connection would end the process.
    made.on('error', options.onError)
    return made
  }
  let pool = connect()
  const ending = new Set<Promise<void>>()
  const end = (old: pg.Pool): Promise<void> => {
    const ended = old.end().finally(() => ending.delete(ended))
    ending.add(ended)
    return ended
  }

  return {
    async query(text, values, endMs) {
      const used = pool
      const client = await used.connect()
      // It fails with its query; without a listener that would end the process too.
      client.on('error', ignore)
      const sentMs = performance.now()
      // Known to pg, not to its types.
      const query_timeout = Math.max(LEAST_WAIT_MS, endMs - sentMs)
      const query: pg.QueryConfig & { query_timeout: number } = { text, values, query_timeout }
      try {
        const { rows } = await client.query<Record<string, unknown>>(query)
        client.release()
        return rows
      } catch (error) {
        // A refusal leaves the connection as it was; after anything else nobody knows what it would answer next.
        if (error instanceof pg.DatabaseError && error.severity === 'ERROR') client.release()
        else client.release(true)
        // Postgres would have ended the statement by now, and said so: whatever connected us is gone without a word, and so
        // are the other connections, each of which would keep a caller waiting to find that out.
        const isSilent = !(error instanceof pg.DatabaseError) && performance.now() - sentMs > statementMs
        if (isSilent && pool === used) options.onSilence()
        throw error
      } finally {
        client.off('error', ignore)
      }
    },
    renew() {
      const old = pool
      pool = connect()
      void end(old)
    },
    async close() {
      const all = Promise.all([end(pool), ...ending])
      await Promise.race([all, wait(CLOSE_LIMIT_MS, undefined, { ref: false })])
    }
  }
}

function ignore(): void {}
