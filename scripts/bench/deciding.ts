import { randomUUID } from 'node:crypto'
import type { Database } from '../../server/src/db/database.ts'
import type { Decision } from '../../server/src/db/decision.ts'
import { checkAndIncrementUsage } from '../../server/src/db/functions/check-and-increment-usage.ts'
import { createUsageBatcher } from '../../server/src/db/usage-batcher.ts'
import { seededRandom } from '../twin/random.ts'
import { runLoop } from './closed-loop.ts'
import type { Way } from './comparison.ts'
import { accountId, METRIC } from './population.ts'

/** PER_CALL_POOL is the connections of one call per decision, twice what a server has by itself. */
export const PER_CALL_POOL = 20

/** PATIENCE_MS is the time limit of a call: all callers wait for one row when it is hot, and giving up is not measured. */
export const PATIENCE_MS = 60_000

/** Keys are the accounts that are asked for at random, and what they have coming. */
export type Keys = { prefix: string; count: number; allowed: boolean }

/** batchedWay decides through a batcher, as the server does. */
export function batchedWay(name: string, keys: Keys, callers: number, open: () => Database): Way {
  return decidingWay(name, keys, callers, open, (db) => {
    const batcher = createUsageBatcher(db)
    return (account) => batcher.decide({ accountId: account, metric: METRIC })
  })
}

/** perCallWay decides by a call each, with a request id of its own or without one. */
export function perCallWay(name: string, keys: Keys, callers: number, open: () => Database, withId: boolean): Way {
  return decidingWay(name, keys, callers, open, (db) => (account) =>
    checkAndIncrementUsage(db, { accountId: account, metric: METRIC, ...(withId && { requestId: randomUUID() }) })
  )
}

function decidingWay(
  name: string,
  { prefix, count, allowed }: Keys,
  callers: number,
  open: () => Database,
  decider: (db: Database) => (account: string) => Promise<Decision>
): Way {
  return {
    name,
    open() {
      const db = open()
      const decide = decider(db)
      const random = seededRandom(name)
      return Promise.resolve({
        measure: (times) =>
          runLoop(callers, times, async () => {
            const decision = await decide(accountId(prefix, Math.floor(random.next() * count)))
            if (decision.allowed !== allowed) throw new Error(`${name} ${allowed ? 'refused' : 'granted'} what it should not have.`)
          }),
        close: () => db.close()
      })
    }
  }
}
