import type { ClientBase } from 'pg'
import { pino } from 'pino'
import { z } from 'zod'
import type { EventSource } from '../../server/src/billing/processor.ts'
import { record } from '../../server/src/billing/receive.ts'
import { readStored } from '../../server/src/billing/stored-event.ts'
import type { Database } from '../../server/src/db/database.ts'
import { createMetrics } from '../../server/src/http/metrics.ts'
import { retryWebhooks } from '../../server/src/jobs/retry-webhooks.ts'

const rowSchema = z.object({ processor: z.string(), id: z.string(), payload: z.string() })

/** ReplayOptions: `order` puts the deliveries into another order than that of their arrival; `onProgress` hears how many are done. */
export type ReplayOptions = { order?: <Row>(rows: Row[]) => Row[]; onProgress?: (done: number, all: number) => void }

/**
 * replayInbox reads every delivery of one database that was not discarded, and takes it in again in another, empty one, by the
 * same normalise and the same SQL. What waits for an account that a later delivery names is tried again at the end, as it would
 * be in life. Returns the number of deliveries. Throws for a delivery whose sender is not among `sources`.
 */
export async function replayInbox(from: ClientBase, to: Database, sources: EventSource[], options: ReplayOptions = {}): Promise<number> {
  // What an operator discarded has no effect there, though it might have one today.
  const { rows } = await from.query(
    `select processor, id, payload from app.webhook_events where status <> 'discarded' order by created_at, processor, id`
  )
  const stored = z.array(rowSchema).parse(rows)
  const ordered = options.order ? options.order(stored) : stored
  for (const [place, row] of ordered.entries()) {
    const source = sources.find(({ name }) => name === row.processor)
    if (source === undefined) throw new Error(`Nobody here reads deliveries of ${row.processor}.`)
    await record(to, source, readStored(source, row), row.payload)
    options.onProgress?.(place + 1, ordered.length)
  }
  // A link makes what waited for it due at once; each round may bring the next link.
  await retryWebhooks({ db: to, sources, processors: [], metrics: createMetrics(), log: pino({ level: 'silent' }) })
  return ordered.length
}

/** COMPARED are the tables that follow from the inbox alone, without what only tells when a row was written. */
const COMPARED = {
  'app.processor_subscriptions': `select to_jsonb(t) - 'in_force' as row from app.processor_subscriptions t`,
  'app.windows': `select to_jsonb(t) - 'created_at' as row from app.windows t`,
  'app.subscription_events': `select to_jsonb(t) - 'created_at' as row from app.subscription_events t`,
  'app.reversal_events': `select to_jsonb(t) - 'created_at' as row from app.reversal_events t`
}

/** differences names each row that one database has and the other has not, of all that follows from the inbox; up to ten of each table. */
export async function differences(one: ClientBase, other: ClientBase): Promise<string[]> {
  const found: string[] = []
  for (const [table, query] of Object.entries(COMPARED)) {
    const [first, second] = [await rowsOf(one, query), await rowsOf(other, query)]
    const only = (label: string, mine: Set<string>, its: Set<string>) =>
      [...mine].filter((row) => !its.has(row)).slice(0, 10).map((row) => `${table}, only ${label}: ${row}`)
    found.push(...only('before', first, second), ...only('after', second, first))
  }
  return found
}

async function rowsOf(client: ClientBase, query: string): Promise<Set<string>> {
  // Times are written by the session's zone: one and the same for both.
  await client.query(`set timezone = 'UTC'`)
  const { rows } = await client.query<{ row: unknown }>(query)
  return new Set(rows.map(({ row }) => JSON.stringify(row)))
}

const CATALOG = ['metrics', 'plans', 'plan_quotas', 'plan_prices', 'processor_prices']

/** copyCatalog gives another database the same plans, quotas and prices: what a price id means is no part of the inbox. */
export async function copyCatalog(from: ClientBase, to: ClientBase): Promise<void> {
  for (const table of CATALOG) {
    const { rows } = await from.query<{ row: unknown }>(`select to_jsonb(t) as row from app.${table} t`)
    await to.query(
      `insert into app.${table} select r.* from jsonb_populate_recordset(null::app.${table}, $1::jsonb) r on conflict do nothing`,
      [JSON.stringify(rows.map(({ row }) => row))]
    )
  }
}
