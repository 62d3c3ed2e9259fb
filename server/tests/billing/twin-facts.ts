import { z } from 'zod'
import type { TwinSubscription } from '../../../scripts/twin/dialect.ts'

const factsSchema = z.object({
  accounts: z.array(z.looseObject({ account_id: z.string(), plan: z.string(), plan_ends_at: z.string().nullable() })),
  subscriptions: z.array(
    z.object({
      account_id: z.string(),
      processor: z.string(),
      subscription_id: z.string(),
      customer_id: z.string().nullable(),
      status: z.string(),
      plan: z.string().nullable(),
      price_id: z.string().nullable(),
      period_start: z.string().nullable(),
      period_end: z.string().nullable(),
      cancels_at: z.string().nullable(),
      past_due_since: z.string().nullable(),
      trial_ends_at: z.string().nullable(),
      suspended_by: z.string().nullable(),
      in_force: z.boolean()
    })
  ),
  windows: z.array(z.array(z.string())),
  operations: z.array(z.array(z.string()))
})

/**
 * Facts are all that events decide: every account with its plan and anchor, every subscription, the windows that were
 * confirmed, and what is to be asked of a processor. Times are as Postgres writes them.
 */
export type Facts = z.output<typeof factsSchema>

const FACTS = `select jsonb_build_object(
  'accounts', (select coalesce(jsonb_agg(to_jsonb(a) order by a.account_id), '[]') from app.accounts a),
  'subscriptions', (
    select coalesce(
      jsonb_agg(to_jsonb(s) - '{as_of,as_of_rank,as_of_event_id}'::text[] order by s.processor, s.subscription_id), '[]')
    from app.processor_subscriptions s),
  'windows', (
    select coalesce(
      jsonb_agg(jsonb_build_array(w.subscription_id, w.window_start, w.window_end) order by w.subscription_id, w.window_start), '[]')
    from app.windows w),
  'operations', (
    select coalesce(jsonb_agg(jsonb_build_array(o.kind, o.reason, o.subscription_id) order by o.kind, o.subscription_id), '[]')
    from app.processor_operations o where o.status = 'pending')) as answer`

const ORIGINS = `select jsonb_build_array(
  (select jsonb_agg(jsonb_build_array(s.as_of, s.as_of_rank, s.as_of_event_id) order by s.processor, s.subscription_id)
     from app.processor_subscriptions s),
  (select jsonb_agg(w.opened_by order by w.subscription_id, w.window_start) from app.windows w)) as answer`

/** readFacts reads them by `ask`, which runs a query and returns its one `answer`. */
export async function readFacts(ask: (query: string) => Promise<unknown>): Promise<Facts> {
  return factsSchema.parse(await ask(FACTS))
}

/** readOrigins reads which events the facts rest on. */
export function readOrigins(ask: (query: string) => Promise<unknown>): Promise<unknown> {
  return ask(ORIGINS)
}

/**
 * differences names the fields (`accounts.plan`) in which two states differ for anybody. Not told apart are moments within
 * one second, and when a trial ended that is over: another event may tell of the same failure some microseconds later.
 */
export function differences(one: Facts, other: Facts): string[] {
  const found = new Set<string>()
  for (const part of ['accounts', 'subscriptions'] as const) {
    for (let place = 0; place < Math.max(one[part].length, other[part].length); place += 1) {
      const [left, right] = [weighed(one[part][place]), weighed(other[part][place])]
      for (const field of new Set([...left.keys(), ...right.keys()])) {
        if (left.get(field) !== right.get(field)) found.add(`${part}.${field}`)
      }
    }
  }
  for (const part of ['windows', 'operations'] as const) {
    if (JSON.stringify(one[part]) !== JSON.stringify(other[part])) found.add(part)
  }
  return [...found].toSorted()
}

function weighed(row: Record<string, unknown> = {}): Map<string, string> {
  const isTrialOver = row['status'] !== 'trialing'
  return new Map(
    Object.entries(row)
      .filter(([field]) => !(field === 'trial_ends_at' && isTrialOver))
      .map(([field, value]) => [field, JSON.stringify(value).replace(/(T\d\d:\d\d:\d\d)\.\d+/, '$1')])
  )
}

/** disagreements names each fact in which Parley's state differs from the twin's own. */
export function disagreements(facts: Facts, truth: readonly TwinSubscription[]): string[] {
  const found: string[] = []
  const [here, there] = [facts.subscriptions.length, truth.length]
  if (here !== there) found.push(`${here} subscriptions here, ${there} there`)
  for (const theirs of truth) {
    const ours = facts.subscriptions.find(({ subscription_id: id }) => id === theirs.subscriptionId)
    const compare = (fact: string, mine: string | null | undefined, its: string | null): void => {
      if (mine !== its) found.push(`${fact} is ${mine ?? 'nothing'} here, ${its ?? 'nothing'} there`)
    }
    compare('account', ours?.account_id, theirs.accountId)
    compare('customer', ours?.customer_id, theirs.customerId)
    compare('status', ours?.status, theirs.status)
    compare('price', ours?.price_id, theirs.priceId)
    if (theirs.status === 'canceled') continue
    compare('cancellation', instant(ours?.cancels_at), instant(theirs.cancelsAt))
    // Without a running period the last one stays known.
    if (theirs.periodStart === null) continue
    compare('start of the period', instant(ours?.period_start), instant(theirs.periodStart))
    compare('end of the period', instant(ours?.period_end), instant(theirs.periodEnd))
  }
  return found
}

function instant(time: string | null | undefined): string | null {
  return time === null || time === undefined ? null : new Date(time).toISOString()
}
