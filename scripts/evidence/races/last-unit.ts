import { checkAndIncrementUsage } from '../../../server/src/db/functions/check-and-increment-usage.ts'
import type { Arena } from './arena.ts'
import { type Draw, spread } from './draw.ts'
import type { Findings } from './findings.ts'
import { type Call, monotonicMs } from './history.ts'
import { startWatch } from './watch.ts'
import { readCounters, readLedger, readPresent } from './records.ts'

// On plan free, each with all but one unit used. A seat is the first unit as well as the last: nobody has seen the account.
const METRICS = [
  { metric: 'messages', used: 99 },
  { metric: 'api_calls', used: 999 },
  { metric: 'llm_tokens', used: 499_999 },
  { metric: 'seats', used: 0 }
]

/** raceForLastUnit has `callers` callers compete for the last unit of a quota, `rounds` times, each time of another account. */
export async function raceForLastUnit(
  arena: Arena, draw: Draw, { rounds, callers }: { rounds: number; callers: number }, findings: Findings, progress: (line: string) => void
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    const { metric, used } = METRICS[round % METRICS.length] ?? { metric: 'seats', used: 0 }
    const accountId = `last_unit_${round}`
    const begunMs = monotonicMs()
    const calls: Call[] = used === 0 ? [] : [await useUp(arena, accountId, metric, used)]
    const wishes = Array.from({ length: callers }, (_, index) => ({
      kind: 'take' as const,
      label: `last_${round}_${index}`,
      named: draw.random() < 0.3,
      accountId,
      metric,
      amount: 1,
      giveBack: null,
      copies: 0
    }))
    // Some ask again from another process, with the same request id, and take the place of one caller each.
    const repeated = wishes.splice(0, Math.floor(callers / 100)).map((wish) => ({ ...wish, named: true, copies: 1 }))
    const planned = spread([...repeated, ...wishes.slice(repeated.length)], draw)

    const watch = startWatch(arena.watcher, [accountId], () => used + 1, true)
    calls.push(...(await arena.crew.race(planned, arena.tokensOf([accountId]))))
    await findings.watched(watch)

    const granted = new Set(calls.filter(({ amount, answer }) => amount === 1 && answer?.allowed).map(({ label }) => label))
    findings.lastUnit.tried()
    if (granted.size !== 1) findings.lastUnit.violation(`round ${round}: ${granted.size} callers got the last of ${used + 1} ${metric}`)
    findings.judged({
      calls,
      ledger: await readLedger(arena.owner, [accountId]),
      counters: await readCounters(arena.owner, [accountId]),
      versions: await readPresent(arena.owner, [accountId]),
      ...arena.catalog
    })
    await findings.invariants(arena.databases[0])
    progress(`last unit: round ${round} of ${rounds}, ${callers} callers in ${((monotonicMs() - begunMs) / 1000).toFixed(1)} s`)
  }
}

async function useUp(arena: Arena, accountId: string, metric: string, amount: number): Promise<Call> {
  const label = `before_${accountId}`
  const startMs = monotonicMs()
  const { resetsAt, remaining: _, ...answer } = await checkAndIncrementUsage(arena.databases[0], { accountId, metric, amount, requestId: label })
  return {
    label,
    kind: 'take',
    accountId,
    metric,
    amount,
    startMs,
    endMs: monotonicMs(),
    answer: { ...answer, resetsAtMs: resetsAt === null ? null : Date.parse(resetsAt) },
    error: null
  }
}
