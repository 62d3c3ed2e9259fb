import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const sumsSchema = z.object({ entries: z.number(), corrections: z.number(), drifts: z.number() })
export type ReconciliationSums = z.output<typeof sumsSchema>

/** advanceReconciliation notes how far a comparison has come (`entries` more were compared), or how it ended. */
export function advanceReconciliation(
  db: Database,
  args: { runId: string; cursor: string | null; entries: number; status?: 'running' | 'done' | 'failed'; error?: string | null }
): Promise<ReconciliationSums> {
  return callForOne(db, 'advance_reconciliation', args, sumsSchema)
}
