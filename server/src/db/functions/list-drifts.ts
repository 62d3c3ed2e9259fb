import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const driftSchema = z.object({
  eventId: z.string(),
  field: z.string(),
  processor: z.string(),
  accountId: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  eventType: z.string(),
  ours: z.string().nullable(),
  theirs: z.string().nullable(),
  corrected: z.boolean(),
  createdAt: timestamp
})
export type Drift = z.output<typeof driftSchema>

/** listDrifts lists what a reconciliation found to differ, at most `limit` (100) after the given one. */
export function listDrifts(
  db: Database,
  args: { runId: string; limit?: number; afterEventId?: string | null; afterField?: string | null }
): Promise<Drift[]> {
  return call(db, 'list_drifts', args, driftSchema)
}
