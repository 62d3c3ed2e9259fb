import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const runSchema = z.object({
  runId: z.string(),
  processor: z.string(),
  since: timestamp,
  dryRun: z.boolean(),
  status: z.enum(['running', 'done', 'failed']),
  entries: z.number(),
  drifts: z.number(),
  corrections: z.number(),
  lastError: z.string().nullable(),
  startedAt: timestamp,
  finishedAt: timestamp.nullable()
})
export type ReconciliationRunRow = z.output<typeof runSchema>

/** listReconciliationRuns answers the times processors were asked, or one of them, the latest first. */
export function listReconciliationRuns(
  db: Database,
  args: { runId?: string | null; limit?: number; beforeStartedAt?: string | null; beforeId?: string | null }
): Promise<ReconciliationRunRow[]> {
  return call(db, 'list_reconciliation_runs', args, runSchema)
}
