import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const settledSchema = z.object({ status: z.enum(['pending', 'unknown', 'done', 'refused']) })

/** settleOperation notes what became of asking a processor; answers the status after it, which for a settled one stays. */
export function settleOperation(
  db: Database,
  args: { accountId: string; operationId: string; outcome: 'done' | 'refused' | 'unknown'; error?: string | null }
): Promise<z.output<typeof settledSchema>> {
  return callForOne(db, 'settle_operation', args, settledSchema)
}
