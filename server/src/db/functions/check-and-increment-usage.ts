import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { type Decision, decisionSchema, type Source } from '../decision.ts'

/** checkAndIncrementUsage takes `amount` (1 when left out) of a metric if the plan allows it, and says how it stands. */
export function checkAndIncrementUsage(
  db: Database,
  args: { accountId: string; metric: string; amount?: number; requestId?: string | null } & Source
): Promise<Decision> {
  return callForOne(db, 'check_and_increment_usage', args, decisionSchema)
}
