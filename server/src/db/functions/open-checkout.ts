import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const openedSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('open'), processorCheckoutId: z.string(), url: z.string() }),
  z.object({ status: z.enum(['complete', 'expired', 'failed']), processorCheckoutId: z.string().nullable(), url: z.string().nullable() })
])

/**
 * openCheckout notes the page a buyer is sent to, and answers the page of the slot: the first one that was noted, so that
 * another one than the given must be where the buyer is sent. Any other status than `open`: nobody may be sent there any more.
 */
export function openCheckout(
  db: Database,
  args: { accountId: string; checkoutId: string; processorCheckoutId: string; url: string }
): Promise<z.output<typeof openedSchema>> {
  return callForOne(db, 'open_checkout', args, openedSchema)
}
