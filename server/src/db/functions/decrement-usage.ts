import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { type Decision, decisionSchema } from '../decision.ts'

/** decrementUsage gives back, never below 0, into the window that `requestId` names, else into the present one. */
export function decrementUsage(
  db: Database,
  args: { accountId: string; metric: string; amount?: number; requestId?: string | null }
): Promise<Decision> {
  return callForOne(db, 'decrement_usage', args, decisionSchema)
}
