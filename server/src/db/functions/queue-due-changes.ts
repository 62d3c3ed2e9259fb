import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'
import { operationKind } from '../operation-row.ts'

const queuedSchema = z.discriminatedUnion('kind', [
  z.object({ kind: operationKind, accountId: z.string(), operationId: z.string(), planChangeId: z.string() }),
  z.object({ kind: z.literal('missed'), accountId: z.string(), operationId: z.null(), planChangeId: z.string() })
])
export type QueuedChange = z.output<typeof queuedSchema>

/**
 * queueDueChanges writes down what processors must be told now of changes kept for the end of a period, at most `limit` (20).
 * `missed`: a cancellation was not told in time and the renewal was charged; it comes with the end of the new period.
 */
export function queueDueChanges(db: Database, args: { limit?: number } = {}): Promise<QueuedChange[]> {
  return call(db, 'queue_due_changes', args, queuedSchema)
}
