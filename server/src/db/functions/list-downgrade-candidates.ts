import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const candidateSchema = z.object({
  metric: z.enum(['chatbots', 'storage_bytes']),
  id: z.string(),
  chatbotId: z.string(),
  name: z.string(),
  sizeBytes: z.number().nullable(),
  createdAt: timestamp,
  readOnly: z.boolean()
})
export type DowngradeCandidate = z.output<typeof candidateSchema>

/** listDowngradeCandidates names what could go to make `plan` fit, at most `limit` (50) of each kind. */
export function listDowngradeCandidates(
  db: Database,
  args: { accountId: string; plan: string; limit?: number }
): Promise<DowngradeCandidate[]> {
  return call(db, 'list_downgrade_candidates', args, candidateSchema)
}
