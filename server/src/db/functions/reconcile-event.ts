import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import type { BillingEventArguments } from './record-billing-event.ts'

const reconciledSchema = z.object({
  outcome: z.enum(['known', 'same', 'corrected', 'failed']),
  accountId: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  fields: z.number(),
  tie: z.boolean(),
  linked: z.boolean(),
  lastError: z.string().nullable()
})
export type ReconciledEvent = z.output<typeof reconciledSchema>

/** reconcileEvent compares one thing a processor says happened with what is known, and corrects it unless `dryRun`. */
export function reconcileEvent(
  db: Database,
  args: Omit<BillingEventArguments, 'isRetry'> & { runId: string; dryRun: boolean }
): Promise<ReconciledEvent> {
  return callForOne(db, 'reconcile_event', args, reconciledSchema)
}
