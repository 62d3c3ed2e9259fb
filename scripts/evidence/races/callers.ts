import type { Database } from '../../../server/src/db/database.ts'
import type { Decision } from '../../../server/src/db/decision.ts'
import { checkAndIncrementUsage } from '../../../server/src/db/functions/check-and-increment-usage.ts'
import { checkAndIncrementUsageMany, type UsageVerdict } from '../../../server/src/db/functions/check-and-increment-usage-many.ts'
import { decrementUsage } from '../../../server/src/db/functions/decrement-usage.ts'
import { createUsageBatcher } from '../../../server/src/db/usage-batcher.ts'
import { openGate } from './gate.ts'
import type { Answer, Call } from './history.ts'
import type { HttpCaller } from './http-caller.ts'
import { noted } from './noted.ts'
import type { Planned } from './order.ts'

/**
 * Callers makes calls at once, each as soon as a connection is free for it, and answers one record per call, give-backs
 * included, in no order. It never rejects: what failed is in its record. `onAnswer` hears of each planned call that is over.
 */
export type Callers = (planned: Planned[], tokens: Readonly<Record<string, string>>, onAnswer: () => void) => Promise<Call[]>

/** openCallers calls over `db`, of which it uses no more than `connections`, and over HTTP; `onRepeat` as for noted. */
export function openCallers(db: Database, connections: number, http: HttpCaller, onRepeat: () => void): Callers {
  const gate = openGate(connections)
  const batcher = createUsageBatcher(db)

  const single = (one: Planned): Promise<Call[]> =>
    gate(() =>
      noted([one], onRepeat, async () => {
        if (one.kind === 'give') return [toAnswer(await decrementUsage(db, { ...counterOf(one), requestId: one.label }))]
        return [toAnswer(await checkAndIncrementUsage(db, { ...counterOf(one), ...nameOf(one) }))]
      })
    )

  const batched = (one: Planned): Promise<Call[]> =>
    noted([one], onRepeat, async () => [toAnswer(await batcher.decide({ ...counterOf(one), ...nameOf(one) }))])

  const many = (batch: Planned[]): Promise<Call[]> =>
    gate(() =>
      noted(batch, onRepeat, async () => {
        const verdicts = await checkAndIncrementUsageMany(db, {
          accountIds: batch.map(({ accountId }) => accountId),
          metrics: batch.map(({ metric }) => metric),
          amounts: batch.map(({ amount }) => amount),
          requestIds: batch.map(({ named, label }) => (named ? label : null)),
          operations: batch.map(({ named, label }) => (named ? null : label))
        })
        return batch.map((_, index) => toAnswer(toDecision(verdicts[index])))
      })
    )

  const alone = (one: Planned, tokens: Readonly<Record<string, string>>): Promise<Call[]> => {
    if (one.via === 'http') return http.take(one, tokens[one.accountId] ?? '')
    return one.via === 'batcher' ? batched(one) : single(one)
  }

  const give = (charge: Planned, amount: number): Promise<Call[]> => single({ ...charge, kind: 'give', amount })

  return async (planned, tokens, onAnswer) => {
    const over = async (group: Planned[], asked: Promise<Call[]>): Promise<Call[]> => {
      const calls = await asked
      const given = group.map((one, index) =>
        one.giveBack !== null && calls[index]?.answer?.allowed ? give(one, one.giveBack) : Promise.resolve([])
      )
      const gaveBack = await Promise.all(given)
      for (const _ of group) onAnswer()
      return [...calls, ...gaveBack.flat()]
    }
    const batches = Map.groupBy(planned.filter(({ via }) => via === 'many'), ({ batch }) => batch)
    const others = planned.filter(({ via }) => via !== 'many')
    const all = [
      ...[...batches.values()].map((batch) => over(batch, many(batch))),
      ...others.map((one) => over([one], alone(one, tokens)))
    ]
    return (await Promise.all(all)).flat()
  }
}

function counterOf({ accountId, metric, amount }: Planned): { accountId: string; metric: string; amount: number } {
  return { accountId, metric, amount }
}

function nameOf({ named, label }: Planned): { requestId: string } | { operation: string } {
  return named ? { requestId: label } : { operation: label }
}

function toAnswer({ allowed, used, quota, plan, resetsAt, replayed }: Decision): Answer {
  return { allowed, used, quota, plan, resetsAtMs: resetsAt === null ? null : Date.parse(resetsAt), replayed }
}

function toDecision(verdict: UsageVerdict | undefined): Decision {
  const { allowed, used, plan, replayed, quota, remaining, resetsAt } = verdict ?? {}
  if (allowed === undefined || allowed === null || typeof used !== 'number' || typeof plan !== 'string' || typeof replayed !== 'boolean') {
    throw new Error(verdict?.errorMessage ?? 'an entry of a batch got no verdict')
  }
  return { allowed, used, plan, replayed, quota: quota ?? null, remaining: remaining ?? null, resetsAt: resetsAt ?? null }
}
