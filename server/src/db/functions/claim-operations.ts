import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import { operationKind } from '../operation-row.ts'

const claimedSchema = z.object({
  accountId: z.string(),
  operationId: z.string(),
  processor: z.string(),
  subscriptionId: z.string(),
  kind: operationKind,
  priceId: z.string().nullable(),
  reason: z.enum(['owner', 'scheduled', 'duplicate', 'account_closed', 'operator']),
  attempts: z.number(),
  firstSentAt: timestamp.nullable()
})
export type ClaimedOperation = z.output<typeof claimedSchema>

/** claimOperations leases the operations that are due for a minute, at most `limit` (20). */
export function claimOperations(db: Database, args: { limit?: number } = {}): Promise<ClaimedOperation[]> {
  return call(db, 'claim_operations', args, claimedSchema)
}
