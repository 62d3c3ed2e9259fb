import { setTimeout as pause } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import type { WebhookProcessor } from './delivery.ts'

/** Delivery names one row of the inbox. */
export type Delivery = { processor: string; id: string }

/** Verdict is what became of a delivery, in one sentence; `processed` is whether its effect is in force. */
export type Verdict = { processed: boolean; sentence: string }

type InboxRow = { processor: string; status: string; attempts: number; last_error: string | null; taken: boolean }

const POLL_MS = 250

/** findDelivery looks an id up, at one processor or at all. A verdict says why there is nothing to replay. */
export async function findDelivery(client: ClientBase, id: string, processor: WebhookProcessor | null): Promise<Delivery | Verdict> {
  const rows = await readInbox(client, id, processor)
  const [row] = rows
  if (row === undefined) {
    const of = processor === null ? '' : ` of ${processor}`
    return { processed: false, sentence: `${id}: no such delivery${of} is stored.` }
  }
  if (rows.length > 1) {
    const names = rows.map((one) => one.processor).join(' and ')
    return { processed: false, sentence: `${id}: came from ${names}, say which with --processor.` }
  }
  return { processor: row.processor, id }
}

/** makeDue makes a delivery due at once; null when the worker may now take it, else why there is nothing to do. */
export async function makeDue(client: ClientBase, { processor, id }: Delivery): Promise<Verdict | null> {
  const { rows } = await client.query<{ status: string }>('select status from api.replay_webhook_event($1, $2)', [processor, id])
  const status = rows[0]?.status
  if (status === 'failed') return null
  if (status === 'processed') return { processed: true, sentence: `${id} (${processor}): was processed before, nothing to replay.` }
  return { processed: false, sentence: `${id} (${processor}): is ${status ?? 'gone'}, nothing to replay.` }
}

/** awaitVerdict waits until a running server has tried the delivery, or until `deadlineMs` (as of performance.now). */
export async function awaitVerdict(client: ClientBase, delivery: Delivery, deadlineMs: number): Promise<Verdict> {
  const name = `${delivery.id} (${delivery.processor})`
  for (;;) {
    const [row] = await readInbox(client, delivery.id, delivery.processor)
    if (row === undefined) return { processed: false, sentence: `${name}: is gone.` }
    // A replay counts attempts from 0 again.
    if (row.status !== 'failed' || row.attempts > 0) {
      const reason = row.last_error === null ? '' : `, ${row.last_error}`
      return { processed: row.status === 'processed', sentence: `${name}: ${row.status}${reason}` }
    }
    if (performance.now() >= deadlineMs) {
      const why = row.taken
        ? 'a server has taken it but not applied it, its log says why; it tries again within a minute.'
        : 'no running server took it; the worker of the next one to start will.'
      return { processed: false, sentence: `${name}: is due, but ${why}` }
    }
    await pause(POLL_MS)
  }
}

async function readInbox(client: ClientBase, id: string, processor: string | null): Promise<InboxRow[]> {
  const { rows } = await client.query<InboxRow>(
    `select processor, status, attempts, last_error, coalesce(next_attempt_at > app.clock(), false) as taken
     from app.webhook_events where id = $1 and processor = coalesce($2, processor) order by processor desc`,
    [id, processor]
  )
  return rows
}
