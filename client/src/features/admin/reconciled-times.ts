import type { ReconciliationRun } from '../../../../server/src/contract/admin.ts'

// A day and what a run may take; the alert of the metrics uses the same.
const LATE_MS = 26 * 60 * 60 * 1000

/** Reconciled is when a processor was last compared to the end; null: never in these runs, which is late too. */
export type Reconciled = { processor: string; finishedAt: string | null; isLate: boolean }

/** lastReconciled tells per processor of the runs (the newest first) when one ended well that was no dry run; null: none did. */
export function lastReconciled(runs: ReconciliationRun[], nowMs: number): Reconciled[] {
  return [...new Set(runs.map(({ processor }) => processor))].toSorted().map((processor) => {
    const ended = runs.flatMap((run) => {
      const counts = run.processor === processor && run.status === 'done' && !run.dryRun
      return counts && run.finishedAt !== null ? [run.finishedAt] : []
    })
    const finishedAt = ended.toSorted((one, other) => Date.parse(other) - Date.parse(one))[0] ?? null
    return { processor, finishedAt, isLate: finishedAt === null || nowMs - Date.parse(finishedAt) > LATE_MS }
  })
}
