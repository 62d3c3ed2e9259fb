import type { Database } from '../../../server/src/db/database.ts'
import { checkInvariants } from '../../../server/src/db/functions/check-invariants.ts'
import { type Check, type Finding, startFinding } from '../suite.ts'
import type { Call, History } from './history.ts'
import { judge } from './judge.ts'
import type { Fault } from './operations.ts'
import type { Watch } from './watch.ts'

/** Findings collects what the races show, guarantee by guarantee; `checks` sums up. */
export type Findings = {
  lastUnit: Finding
  judged(history: History): void
  watched(watch: Watch): Promise<void>
  invariants(db: Database): Promise<void>
  change(renewal: boolean): void
  checks(rounds: { rounds: number; callers: number; waves: number; processes: string; repeats: number; deadlocks: number }): Check[]
}

const GUARANTEES: Record<Fault, string> = {
  quota: 'Nobody is granted beyond the quota in force',
  refusal: 'Nobody is refused what fitted at every moment of the call',
  chain: 'The answers follow from one another: no `used` twice, none left out, none out of its time',
  ledger: 'Every granted call has its ledger row, every row its call, every counter is their sum',
  plan: 'Renewals, upgrades, downgrades and ends in the middle: everybody is decided by a plan and window in force during the call',
  repeat: 'A request id sent by several processes at once is decided once, with one answer'
}

/** startFindings begins with nothing found. */
export function startFindings(): Findings {
  const lastUnit = startFinding('The last unit goes to exactly one caller')
  const decided = startFinding('Everybody gets a decision')
  const instants = startFinding('At every instant looked at: counter = ledger, and within the quota')
  const state = startFinding('All invariants hold after every round')
  const deadlock = startFinding('No deadlock')
  const byFault = new Map(Object.entries(GUARANTEES).map(([fault, guarantee]) => [fault, startFinding(guarantee)]))
  const count = { calls: 0, granted: 0, refused: 0, given: 0, shared: 0, changes: 0, renewals: 0 }
  const of = (fault: Fault): Finding => byFault.get(fault) ?? decided
  const n = (value: number): string => value.toLocaleString('en-US')

  return {
    lastUnit,
    judged(history) {
      const { calls } = history
      count.calls += calls.length
      count.granted += calls.filter(({ kind, answer }) => kind === 'take' && answer?.allowed).length
      const refused = calls.filter(({ answer }) => answer?.allowed === false).length
      const given = calls.filter(({ kind }) => kind === 'give').length
      count.refused += refused
      count.given += given
      const shared = sharedIds(calls)
      count.shared += shared
      decided.tried(calls.length)
      of('quota').tried(calls.length)
      of('refusal').tried(refused)
      of('chain').tried(calls.length)
      of('ledger').tried(history.ledger.length)
      of('repeat').tried(shared)
      for (const { fault, sentence } of judge(history)) of(fault).violation(sentence)
      for (const { answer, error, label } of calls) if (answer === null) decided.violation(`${label} got no decision: ${error}`)
    },
    async watched(watch) {
      const { looks, violations } = await watch.stop()
      instants.tried(looks)
      for (const violation of violations) instants.violation(violation)
    },
    async invariants(db) {
      for (const { name, violations, example } of await checkInvariants(db)) {
        state.tried()
        if (violations > 0) state.violation(`${name}: ${violations}, such as ${example}`)
      }
    },
    change(renewal) {
      of('plan').tried()
      count.changes += 1
      if (renewal) count.renewals += 1
    },
    checks({ rounds, callers, waves, processes, repeats, deadlocks }) {
      deadlock.tried(rounds + waves)
      if (deadlocks > 0) deadlock.violation(`Postgres counted ${deadlocks}`)
      return [
        lastUnit.check((tried) => `${n(tried)} rounds of ${n(callers)} callers, ${processes}`, 'one grant in each round'),
        decided.check((tried) => `${n(tried)} calls`, `${n(count.granted)} granted, ${n(count.refused)} refused, ${n(repeats)} asked again when told that the service was busy`),
        of('quota').check((tried) => `${n(tried)} calls, amounts mixed in ${n(waves)} waves`, `${n(count.granted)} grants within it`),
        instants.check((tried) => `${n(tried)} snapshots`, 'within it in all'),
        of('refusal').check((tried) => `${n(tried)} refusals`, 'each has its moment'),
        of('chain').check((tried) => `${n(tried)} calls, ${n(count.given)} of them give back`, 'one order explains all'),
        of('ledger').check((tried) => `${n(tried)} ledger rows`, 'row for row'),
        of('plan').check((tried) => `${n(tried)} changes, each told twice at once, ${n(count.renewals)} new windows`, 'no counter lowered but by give-backs'),
        of('repeat').check((tried) => `${n(tried)} request ids sent by 2 or more processes`, 'one charge each'),
        state.check((tried) => `${n(tried)} checks`, '0 violations'),
        deadlock.check((tried) => `${n(tried)} rounds`, `pg_stat_database.deadlocks = ${deadlocks}`)
      ]
    }
  }
}

function sharedIds(calls: Call[]): number {
  const takes = calls.filter(({ kind }) => kind === 'take')
  return takes.length - new Set(takes.map(({ accountId, label }) => `${accountId} ${label}`)).size
}
