import type { Client } from 'pg'
import { z } from 'zod'
import { type History, quotaKey, type Version } from './history.ts'

/** Watch is a look at the database again and again. `stop` ends it and answers how often it looked and what was wrong. */
export type Watch = { stop(): Promise<{ looks: number; violations: string[] }> }

const counterSchema = z.object({
  accountId: z.string(),
  metric: z.string(),
  window: z.string(),
  used: z.number(),
  summed: z.number()
})

// One statement is one snapshot: a committed instant.
const LOOK = `
  select c.account_id as "accountId", c.metric, c.window_start::text as window, c.used::float8,
         coalesce((select sum(e.amount) from app.usage_events e
                   where e.account_id = c.account_id and e.metric = c.metric and e.window_start = c.window_start), 0)::float8 as summed
  from app.counters c where c.account_id = any ($1)`

/**
 * startWatch looks at the counters of some accounts all the time, on a connection of its own: at every committed instant each
 * is the sum of its ledger, and no more than `most` says (by account and metric; null = unlimited). Those of `onlyUp`, where
 * nobody gives back, never fall.
 */
export function startWatch(
  client: Client, accountIds: string[], most: (accountId: string, metric: string) => number | null, onlyUp: boolean
): Watch {
  const state = { isOver: false }
  let looks = 0
  const violations: string[] = []
  const seen = new Map<string, number>()
  const watching = (async () => {
    while (!state.isOver) {
      const { rows } = await client.query(LOOK, [accountIds])
      looks += 1
      for (const { accountId, metric, window, used, summed } of z.array(counterSchema).parse(rows)) {
        const name = `${accountId} ${metric} ${window}`
        const limit = most(accountId, metric)
        if (used !== summed) violations.push(`${name} was seen at ${used} with a ledger of ${summed}`)
        if (limit !== null && used > limit) violations.push(`${name} was seen at ${used} of ${limit}`)
        if (onlyUp && used < (seen.get(name) ?? 0)) violations.push(`${name} was seen to fall from ${seen.get(name)} to ${used}`)
        seen.set(name, used)
      }
    }
  })()
  // Told by stop.
  watching.catch(() => undefined)
  return {
    async stop() {
      state.isOver = true
      await watching
      return { looks, violations }
    }
  }
}

/** mostOfVersions is the largest quota an account ever had, for {@link startWatch}: what a downgrade left may stay above its plan's. */
export function mostOfVersions(versions: Version[], quotas: History['quotas']): (accountId: string, metric: string) => number | null {
  const byAccount = Map.groupBy(versions, ({ accountId }) => accountId)
  return (accountId, metric) => {
    const limits = (byAccount.get(accountId) ?? []).map(({ plan }) => quotas.get(quotaKey(plan, metric)) ?? null)
    return limits.some((limit) => limit === null) ? null : Math.max(...limits.map(Number))
  }
}
