import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const oldPriceSchema = z.object({
  accountId: z.string(),
  processor: z.string(),
  subscriptionId: z.string(),
  plan: z.string(),
  billingInterval: z.enum(['month', 'year']),
  currency: z.string(),
  fromVersion: z.number(),
  fromAmountMinor: z.number().nullable(),
  toVersion: z.number(),
  toAmountMinor: z.number(),
  effectiveAt: timestamp.nullable(),
  scheduled: z.boolean()
})
export type OldPrice = z.output<typeof oldPriceSchema>

/** listOldPrices previews a move to the newest prices, at most `limit` (100) accounts after the given one. */
export function listOldPrices(
  db: Database,
  args: { plan?: string | null; interval?: 'month' | 'year' | null; limit?: number; afterAccountId?: string | null } = {}
): Promise<OldPrice[]> {
  return call(db, 'list_old_prices', args, oldPriceSchema)
}
