import type { Client } from 'pg'
import { z } from 'zod'
import { type Counter, type History, type LedgerRow, quotaKey, type Version, type Window } from './history.ts'

const window = z
  .number()
  .nullable()
  .transform((startMs): Window => startMs ?? 'level')
const START_MS = `case when isfinite(window_start) then floor(extract(epoch from window_start) * 1000)::float8 end as window`
const counterSchema = z.object({ accountId: z.string(), metric: z.string(), window, used: z.number() })
const ledgerSchema = z.object({ accountId: z.string(), metric: z.string(), window, amount: z.number(), label: z.string().nullable() })
const versionSchema = z.object({ accountId: z.string(), plan: z.string(), windowStartMs: z.number(), windowEndMs: z.number() })
const quotaSchema = z.object({ plan: z.string(), metric: z.string(), kind: z.enum(['counter', 'gauge']), quota: z.number().nullable() })

/** readLedger reads the ledger rows of some accounts, in the order in which they were written. */
export async function readLedger(owner: Client, accountIds: string[]): Promise<LedgerRow[]> {
  const { rows } = await owner.query(
    `select account_id as "accountId", metric, ${START_MS}, amount::float8, coalesce(request_id, operation) as label
     from app.usage_events where account_id = any ($1) order by id`,
    [accountIds]
  )
  return z.array(ledgerSchema).parse(rows)
}

/** readCounters reads the counters of some accounts. */
export async function readCounters(owner: Client, accountIds: string[]): Promise<Counter[]> {
  const { rows } = await owner.query(
    `select account_id as "accountId", metric, ${START_MS}, used::float8 from app.counters where account_id = any ($1)`,
    [accountIds]
  )
  return z.array(counterSchema).parse(rows)
}

/** readPresent reads what some accounts have now, as the version they had all the time: nothing may have changed it. */
export async function readPresent(owner: Client, accountIds: string[]): Promise<Version[]> {
  const { rows } = await owner.query(
    `select a.account_id as "accountId", a.plan, floor(extract(epoch from w.window_start) * 1000)::float8 as "windowStartMs",
            floor(extract(epoch from w.window_end) * 1000)::float8 as "windowEndMs"
     from app.accounts a
     cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
     where a.account_id = any ($1)`,
    [accountIds]
  )
  return z
    .array(versionSchema)
    .parse(rows)
    .map((version) => ({ ...version, fromMs: -Infinity, untilMs: Infinity }))
}

/** readCatalog reads every plan's quotas, and which metrics are levels. */
export async function readCatalog(owner: Client): Promise<Pick<History, 'quotas' | 'levels'>> {
  const { rows } = await owner.query('select q.plan, q.metric, m.kind, q.quota::float8 from app.plan_quotas q join app.metrics m using (metric)')
  const catalog = z.array(quotaSchema).parse(rows)
  return {
    quotas: new Map(catalog.map(({ plan, metric, quota }) => [quotaKey(plan, metric), quota])),
    levels: new Set(catalog.filter(({ kind }) => kind === 'gauge').map(({ metric }) => metric))
  }
}
