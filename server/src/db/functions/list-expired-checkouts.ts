import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const expiredSchema = z.object({
  accountId: z.string(),
  checkoutId: z.string(),
  processor: z.string(),
  processorCheckoutId: z.string().nullable(),
  status: z.string()
})
export type ExpiredCheckout = z.output<typeof expiredSchema>

/** listExpiredCheckouts lists purchases whose time is over and that nobody settled, at most `limit` (20). */
export function listExpiredCheckouts(db: Database, args: { limit?: number } = {}): Promise<ExpiredCheckout[]> {
  return call(db, 'list_expired_checkouts', args, expiredSchema)
}
