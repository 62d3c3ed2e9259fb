import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import { operationKind } from '../operation-row.ts'

const interval = z.enum(['month', 'year'])

const subscriptionSchema = z.object({
  plan: z.string(),
  planName: z.string(),
  status: z.enum(['none', 'incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled']),
  processor: z.enum(['stripe', 'paddle', 'razorpay']).nullable(),
  subscriptionId: z.string().nullable(),
  customerId: z.string().nullable(),
  subscribedPlan: z.string().nullable(),
  billingInterval: interval.nullable(),
  amountMinor: z.number().nullable(),
  currency: z.string().nullable(),
  priceVersion: z.number().nullable(),
  newestVersion: z.number().nullable(),
  newestAmountMinor: z.number().nullable(),
  periodStart: timestamp.nullable(),
  periodEnd: timestamp.nullable(),
  trialEndsAt: timestamp.nullable(),
  cancelsAt: timestamp.nullable(),
  graceEndsAt: timestamp.nullable(),
  suspendedBy: z.string().nullable(),
  suspendedKind: z.enum(['refund', 'dispute']).nullable(),
  changePlan: z.string().nullable(),
  changeInterval: interval.nullable(),
  changeDirection: z.enum(['upgrade', 'downgrade', 'interval', 'price']).nullable(),
  changeAt: timestamp.nullable(),
  operation: operationKind.nullable(),
  operationStatus: z.enum(['pending', 'unknown']).nullable(),
  checkoutId: z.string().nullable(),
  checkoutUrl: z.string().nullable(),
  checkoutPlan: z.string().nullable(),
  closedAt: timestamp.nullable()
})
export type Subscription = z.output<typeof subscriptionSchema>

/** readSubscription tells all there is to show of an account's subscription; the account comes to be on its first use. */
export function readSubscription(db: Database, args: { accountId: string }): Promise<Subscription> {
  return callForOne(db, 'read_subscription', args, subscriptionSchema)
}
