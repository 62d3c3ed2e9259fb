import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { type Decision, decisionSchema } from '../decision.ts'

/** settleUsage replaces the estimate reserved under `requestId` by the real amount; 0 releases all of it. */
export function settleUsage(
  db: Database,
  args: { accountId: string; requestId: string; amount: number }
): Promise<Decision> {
  return callForOne(db, 'settle_usage', args, decisionSchema)
}
