import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import type { Channel } from '../decision.ts'

/** verdictSchema: `place` counts from 1; a bad entry has `errorCode` (an SQLSTATE) and no decision. */
const verdictSchema = z.object({
  place: z.number(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  allowed: z.boolean().nullable(),
  used: z.number().nullable(),
  quota: z.number().nullable(),
  remaining: z.number().nullable(),
  resetsAt: timestamp.nullable(),
  plan: z.string().nullable(),
  replayed: z.boolean().nullable()
})
export type UsageVerdict = z.output<typeof verdictSchema>

/**
 * checkAndIncrementUsageMany decides a batch in arrival order; the arrays are parallel and of one length. With a `batchId` (a UUID)
 * it may be sent again when its answer was lost.
 */
export function checkAndIncrementUsageMany(
  db: Database,
  args: {
    accountIds: (string | null)[]
    metrics: (string | null)[]
    amounts?: (number | null)[]
    requestIds?: (string | null)[]
    chatbotIds?: (string | null)[]
    conversationIds?: (string | null)[]
    channels?: (Channel | null)[]
    operations?: (string | null)[]
    batchId?: string | null
  }
): Promise<UsageVerdict[]> {
  return call(db, 'check_and_increment_usage_many', args, verdictSchema)
}
