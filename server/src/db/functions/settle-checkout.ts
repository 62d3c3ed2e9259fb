import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const settledSchema = z.object({ status: z.enum(['complete', 'expired', 'failed']) })

/** settleCheckout ends a purchase and frees its slot. The first end stays, but what turns out to be complete was. */
export function settleCheckout(
  db: Database,
  args: {
    accountId: string
    checkoutId: string
    status: 'complete' | 'expired' | 'failed'
    subscriptionId?: string | null
    error?: string | null
  }
): Promise<z.output<typeof settledSchema>> {
  return callForOne(db, 'settle_checkout', args, settledSchema)
}
