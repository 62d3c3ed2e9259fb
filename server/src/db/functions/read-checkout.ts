import { z } from 'zod'
import { callForOneOrNone, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const checkoutSchema = z.object({
  checkoutId: z.string(),
  processor: z.enum(['stripe', 'paddle', 'razorpay']),
  plan: z.string(),
  billingInterval: z.enum(['month', 'year']),
  priceId: z.string(),
  trialDays: z.number(),
  status: z.enum(['reserved', 'open', 'complete', 'expired', 'failed']),
  processorCheckoutId: z.string().nullable(),
  url: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  lastError: z.string().nullable(),
  createdAt: timestamp,
  expiresAt: timestamp,
  settledAt: timestamp.nullable()
})
export type StoredCheckout = z.output<typeof checkoutSchema>

/** readCheckout tells how a purchase stands; null when it is not the account's. */
export function readCheckout(db: Database, args: { accountId: string; checkoutId: string }): Promise<StoredCheckout | null> {
  return callForOneOrNone(db, 'read_checkout', args, checkoutSchema)
}
