import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

/**
 * accountSchema: `plan` is in force now, `subscribedPlan` is what the subscription names (they differ once a payment is
 * overdue); `status` is `none` without a subscription; the window is half-open.
 */
const accountSchema = z.object({
  accountId: z.string(),
  plan: z.string(),
  planName: z.string(),
  subscribedPlan: z.string().nullable(),
  status: z.string(),
  processor: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  windowStart: timestamp,
  windowEnd: timestamp,
  periodEnd: timestamp.nullable(),
  cancelsAt: timestamp.nullable(),
  graceEndsAt: timestamp.nullable(),
  createdAt: timestamp
})
export type Account = z.output<typeof accountSchema>

/** readAccount answers the account, which comes to be on its first use. */
export function readAccount(db: Database, args: { accountId: string }): Promise<Account> {
  return callForOne(db, 'read_account', args, accountSchema)
}
