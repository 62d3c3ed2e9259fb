import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const runSchema = z.object({
  runId: z.string(),
  since: timestamp,
  cursor: z.string().nullable(),
  entries: z.number(),
  resumed: z.boolean()
})
export type ReconciliationRun = z.output<typeof runSchema>

/** beginReconciliation begins a comparison with a processor, or goes on with one that was broken off (`resumed`). */
export function beginReconciliation(
  db: Database,
  args: { processor: string; since?: string | null; dryRun?: boolean }
): Promise<ReconciliationRun> {
  return callForOne(db, 'begin_reconciliation', args, runSchema)
}
