import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const actionSchema = z.object({
  actionId: z.string(),
  operatorId: z.string(),
  action: z.enum(['replay', 'discard']),
  processor: z.string(),
  eventId: z.string(),
  reason: z.string(),
  statusBefore: z.string(),
  statusAfter: z.string(),
  createdAt: timestamp
})
export type OperatorAction = z.output<typeof actionSchema>

/** listOperatorActions answers what operators did with deliveries, or with one, the latest first. */
export function listOperatorActions(
  db: Database,
  args: {
    processor?: string | null
    eventId?: string | null
    limit?: number
    beforeCreatedAt?: string | null
    beforeId?: string | null
  }
): Promise<OperatorAction[]> {
  return call(db, 'list_operator_actions', args, actionSchema)
}
