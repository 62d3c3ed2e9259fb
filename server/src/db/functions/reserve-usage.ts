import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { type Decision, decisionSchema, type Source } from '../decision.ts'

/** reserveUsage takes an estimate until `settleUsage` names the real amount or `expiresInSeconds` (900) have passed. */
export function reserveUsage(
  db: Database,
  args: { accountId: string; metric: string; amount: number; requestId: string; expiresInSeconds?: number } & Source
): Promise<Decision> {
  return callForOne(db, 'reserve_usage', args, decisionSchema)
}
