import type { Client } from 'pg'
import { z } from 'zod'
import { keyOf } from './facts.ts'
import {
  accountSchema,
  count,
  inboxSchema,
  invariantSchema,
  reversalEventSchema,
  subscriptionEventSchema,
  subscriptionSchema,
  windowSchema
} from './rows.ts'

/** InboxRow is what the inbox holds of an event: `deliveries` is how often it came, `waited` that it had no effect at first. */
export type InboxRow = { status: string; deliveries: number; waited: boolean; lastError: string | null }

/** Effect is a row that an event left: what it says, in words that are compared as they are. */
export type Effect = { key: string; says: string }

/** Seen is what the database holds after the storm. Keys are `source id`; times are Unix milliseconds. */
export type Seen = {
  inbox: Map<string, InboxRow>
  doubled: string[]
  effects: Effect[]
  tombstones: string[]
  windows: z.output<typeof windowSchema>[]
  subscriptions: z.output<typeof subscriptionSchema>[]
  accounts: z.output<typeof accountSchema>[]
  ledger: { before: string; after: string; rows: number }
  invariants: z.output<typeof invariantSchema>[]
}

/** readSeen reads it, as the owner. `ledgerBefore` is what {@link readLedger} gave before the storm. */
export async function readSeen(client: Client, ledgerBefore: string): Promise<Seen> {
  const read = async <Schema extends z.ZodType>(schema: Schema, sql: string): Promise<z.output<Schema>[]> => {
    const { rows } = await client.query(sql)
    return rows.map((row) => schema.parse(row))
  }
  const inbox = await read(
    inboxSchema,
    `select processor, id, status, deliveries, last_error, coalesce(processed_at > created_at, true) as waited
     from app.webhook_events`
  )
  const doubled = await read(z.object({ id: z.string() }), 'select id from app.webhook_events group by id having count(*) > 1')
  const states = await read(
    subscriptionEventSchema,
    `select processor, event_id, account_id, subscription_id, occurred_at, event_rank, status, payment, plan, period_start,
            period_end, cancels_at, amount_minor
     from app.subscription_events`
  )
  const reversals = await read(
    reversalEventSchema,
    `select processor, event_id, account_id, reversal_id, occurred_at, event_rank, kind, status, amount_minor
     from app.reversal_events`
  )
  const ledger = await readLedger(client)
  return {
    inbox: new Map(
      inbox.map(({ processor, id, status, deliveries, waited, last_error }) => [
        keyOf({ source: processor, eventId: id }),
        { status, deliveries, waited, lastError: last_error }
      ])
    ),
    doubled: doubled.map(({ id }) => id),
    effects: [...states.map(stateEffect), ...reversals.map(reversalEffect)],
    tombstones: (
      await read(z.object({ key: z.string() }), `select processor || ' ' || object_id as key from app.tombstones`)
    ).map(({ key }) => key),
    windows: await read(windowSchema, 'select * from app.windows'),
    subscriptions: await read(subscriptionSchema, 'select * from app.processor_subscriptions'),
    accounts: await read(
      accountSchema,
      `select a.account_id, a.plan as granted_plan, a.plan_ends_at, a.anchor, a.counts_from, a.created_at, a.closed_at,
              v.plan, v.status, v.window_start, v.window_end, app.clock() as now
       from app.accounts a join app.subscriptions v on v.user_id = a.account_id`
    ),
    ledger: { before: ledgerBefore, after: ledger.digest, rows: ledger.rows },
    invariants: await read(invariantSchema, 'select name, violations, example from api.check_invariants()')
  }
}

/** readLedger sums up all counters and the ledger in a digest of every byte of them. */
export async function readLedger(client: Client): Promise<{ digest: string; rows: number }> {
  const { rows } = await client.query(`
    select count(*) as rows, coalesce(md5(string_agg(line, E'\\n' order by line)), '') as digest
    from (select c::text as line from app.counters c union all select e::text from app.usage_events e) lines`)
  return z.object({ rows: count, digest: z.string() }).parse(rows[0])
}

/** SaidFacts are those of an effect, however it is kept; null where it says nothing. */
export type SaidFacts = {
  accountId: string
  about: string
  atMs: number
  rank: number
  what: string
  plan?: string | null
  startMs?: number | null
  endMs?: number | null
  cancelsAtMs?: number | null
  amountMinor?: number | null
}

/** saying words facts, so that two wordings are the same when all of them are. */
export function saying(facts: SaidFacts): string {
  const { accountId, about, atMs, rank, what, plan, startMs, endMs, cancelsAtMs, amountMinor } = facts
  const others = [plan, startMs, endMs, cancelsAtMs, amountMinor].map((fact) => fact ?? '-')
  return [accountId, about, atMs, rank, what, ...others].join(' ')
}

function stateEffect(row: z.output<typeof subscriptionEventSchema>): Effect {
  const says = saying({
    accountId: row.account_id,
    about: row.subscription_id,
    atMs: row.occurred_at,
    rank: row.event_rank,
    what: row.status ?? row.payment ?? '-',
    plan: row.plan,
    startMs: row.period_start,
    endMs: row.period_end,
    cancelsAtMs: row.cancels_at,
    amountMinor: row.amount_minor
  })
  return { key: keyOf({ source: row.processor, eventId: row.event_id }), says }
}

function reversalEffect(row: z.output<typeof reversalEventSchema>): Effect {
  const says = saying({
    accountId: row.account_id,
    about: row.reversal_id,
    atMs: row.occurred_at,
    rank: row.event_rank,
    what: `${row.kind} ${row.status}`,
    amountMinor: row.amount_minor
  })
  return { key: keyOf({ source: row.processor, eventId: row.event_id }), says }
}
