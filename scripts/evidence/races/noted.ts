import { setTimeout as wait } from 'node:timers/promises'
import { DatabaseUnavailable } from '../../../server/src/db/database.ts'
import { type Answer, type Call, monotonicMs } from './history.ts'
import type { Planned } from './order.ts'

/** BusyServer is an answer 503: what was asked for may have been done, or not. */
export class BusyServer extends Error {}

const MAX_REPEATS = 60
const PAUSE_MS = 25
// Too busy, and rolled back: a lock or a statement took too long, or no connection was free (server/src/db/database.ts).
const UNDONE = /^(53300|55P03|57014|PGRST003): /

/**
 * noted makes calls that are answered together, and notes when they were made, what came of them, or what went wrong. Who is
 * told that the service is busy asks again, as callers do: where nothing was done, else only if all have a request id.
 * `onRepeat` hears of it.
 */
export async function noted(planned: Planned[], onRepeat: () => void, ask: () => Promise<Answer[]>): Promise<Call[]> {
  let startMs = monotonicMs()
  let isUntouched = true
  const record = (one: Planned, answer: Answer | null, error: string | null): Call => ({
    label: one.label,
    kind: one.kind,
    accountId: one.accountId,
    metric: one.metric,
    amount: one.amount,
    startMs,
    endMs: monotonicMs(),
    answer,
    error
  })
  for (let repeats = 0; ; repeats += 1) {
    try {
      const answers = await ask()
      return planned.map((one, index) => record(one, answers[index] ?? null, null))
    } catch (error) {
      const isUndone = error instanceof DatabaseUnavailable && UNDONE.test(error.message)
      const isBusy = error instanceof DatabaseUnavailable || error instanceof BusyServer
      if (repeats === MAX_REPEATS || !isBusy || !(isUndone || planned.every(({ named }) => named))) {
        return planned.map((one) => record(one, null, error instanceof Error ? error.message : String(error)))
      }
      onRepeat()
      await wait(PAUSE_MS)
      // Only an attempt that may have done something belongs to the life of the call.
      isUntouched &&= isUndone
      if (isUntouched) startMs = monotonicMs()
    }
  }
}
