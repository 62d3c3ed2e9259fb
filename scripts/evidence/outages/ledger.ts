import type { Client } from 'pg'
import { z } from 'zod'
import type { Ledger } from './judge.ts'

const SETTLE_LIMIT_MS = 20_000
const PAUSE_SECONDS = 0.05

const rowSchema = z.object({
  charged: z.record(z.string(), z.number()),
  counters: z.record(z.string(), z.number()),
  sums: z.record(z.string(), z.number())
})

// Per key: how many charges of the ledger, chatbots, inbox rows; an answer is charged as often as its ledger rows sum up to.
const FACTS = `
  with charges as (
    select e.request_id as key, count(*)::int as times from app.usage_events e
    where e.account_id = $1 and e.reason = 'charge' and e.request_id is not null group by 1
    union all
    select k.request_id, coalesce(sum(e.amount), 0)::int from app.idempotency_keys k
    join app.messages m on m.account_id = k.account_id and m.id = k.resource_id
    left join app.usage_events e
      on e.account_id = $1 and e.metric = 'messages' and e.request_id = 'answer:' || m.id || ':messages'
    where k.account_id = $1 group by 1
    union all
    select k.request_id, count(*)::int from app.idempotency_keys k
    join app.chatbots b on b.account_id = k.account_id and b.id = k.resource_id where k.account_id = $1 group by 1
    union all
    select w.id, count(*)::int from app.webhook_events w
    where w.account_id = $1 and w.status in ('processed', 'ignored') group by 1
  )
  select (select coalesce(jsonb_object_agg(key, times), '{}') from charges) as charged,
         (select coalesce(jsonb_object_agg(metric, used), '{}') from
           (select metric, sum(used) as used from app.counters where account_id = $1 group by 1) c) as counters,
         (select coalesce(jsonb_object_agg(metric, total), '{}') from
           (select metric, sum(amount) as total from app.usage_events where account_id = $1 group by 1) s) as sums`

const OPEN = `select count(*)::int as open from app.usage_reservations where account_id = $1 and status = 'open'`

/**
 * readLedger waits until no reservation of the account is open, 20 s at most, and reads what it was charged; `unsettledMs` is
 * how long that took.
 */
export async function readLedger(owner: Client, accountId: string): Promise<Ledger> {
  const begunMs = performance.now()
  for (;;) {
    const { rows } = await owner.query<{ open: number }>(OPEN, [accountId])
    const openReservations = rows[0]?.open ?? 0
    const unsettledMs = performance.now() - begunMs
    if (openReservations === 0 || unsettledMs > SETTLE_LIMIT_MS) {
      const facts = await owner.query(FACTS, [accountId])
      return { ...rowSchema.parse(facts.rows[0]), openReservations, unsettledMs }
    }
    await owner.query('select pg_sleep($1)', [PAUSE_SECONDS])
  }
}

/** readBrokenInvariants asks the database itself which of its invariants do not hold, in words. */
export async function readBrokenInvariants(owner: Client): Promise<string[]> {
  const { rows } = await owner.query<{ name: string; example: string }>(
    'select name, example from api.check_invariants() where violations > 0'
  )
  return rows.map(({ name, example }) => `${name}: ${example}`)
}
