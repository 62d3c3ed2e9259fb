import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const subscriptionSchema = z.object({
  processor: z.string(),
  subscriptionId: z.string(),
  status: z.string(),
  plan: z.string().nullable(),
  inForce: z.boolean(),
  periodStart: timestamp.nullable(),
  periodEnd: timestamp.nullable(),
  asOf: timestamp
})
export type AccountSubscription = z.output<typeof subscriptionSchema>

/** listAccountSubscriptions answers every subscription an account ever had (up to 100), the one in force first. */
export function listAccountSubscriptions(db: Database, args: { accountId: string }): Promise<AccountSubscription[]> {
  return call(db, 'list_account_subscriptions', args, subscriptionSchema)
}
