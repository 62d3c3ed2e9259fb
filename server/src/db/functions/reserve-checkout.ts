import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const slotColumns = z.object({
  checkoutId: z.string(),
  processor: z.enum(['stripe', 'paddle', 'razorpay']),
  plan: z.string(),
  billingInterval: z.enum(['month', 'year']),
  priceId: z.string(),
  trialDays: z.number(),
  customerId: z.string().nullable(),
  processorCheckoutId: z.string().nullable(),
  url: z.string().nullable(),
  expiresAt: timestamp,
  priceTrialDays: z.number()
})
/** CheckoutSlot is the slot of a purchase; `trialDays` are to be asked for, `priceTrialDays` are in the price already. */
export type CheckoutSlot = z.output<typeof slotColumns>

const reservationSchema = z.discriminatedUnion('outcome', [
  slotColumns.extend({ outcome: z.enum(['reserved', 'open', 'other_open']) }),
  z.object({ outcome: z.enum(['subscribed', 'not_sold']) })
])
export type CheckoutReservation = z.output<typeof reservationSchema>

/**
 * reserveCheckout takes the account's one slot for a purchase, before the processor is asked. `reserved`: create the
 * checkout with its id as key. `open`: the same purchase is under way (`url` null: not created yet). `other_open`: another
 * one is in the way and must be ended first.
 */
export function reserveCheckout(
  db: Database,
  args: { accountId: string; processor: string; plan: string; interval: 'month' | 'year' }
): Promise<CheckoutReservation> {
  return callForOne(db, 'reserve_checkout', args, reservationSchema)
}
