import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import { beginningColumns } from '../operation-row.ts'

const changeSchema = z.object({
  outcome: z.enum(['started', 'done', 'already', 'no_subscription', 'not_running', 'pending', 'too_late', 'busy']),
  ...beginningColumns,
  effectiveAt: timestamp.nullable()
})

/** SubscriptionChange is what an owner may ask for besides another plan. */
export type SubscriptionChange = 'cancel_at_period_end' | 'cancel_now' | 'resume' | 'pause'

/**
 * beginSubscriptionChange decides whether that can be; `started`: perform the operation, `done`: nothing is to be asked.
 * `pending`: another change is scheduled and must be undone first; `too_late`: the processor does not take a cancellation back.
 */
export function beginSubscriptionChange(
  db: Database,
  args: { accountId: string; change: SubscriptionChange }
): Promise<z.output<typeof changeSchema>> {
  return callForOne(db, 'begin_subscription_change', args, changeSchema)
}
