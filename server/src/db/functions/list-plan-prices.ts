import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const planPriceSchema = z.object({
  plan: z.string(),
  name: z.string(),
  billingInterval: z.enum(['month', 'year']),
  version: z.number(),
  currency: z.string(),
  amountMinor: z.number(),
  trialDays: z.number()
})
export type PlanPrice = z.output<typeof planPriceSchema>

/**
 * listPlanPrices answers what the plans cost now: at a processor what it sells, without one the newest version of each price.
 * A plan that is not sold has no row.
 */
export function listPlanPrices(db: Database, args: { processor?: string | null } = {}): Promise<PlanPrice[]> {
  return call(db, 'list_plan_prices', args, planPriceSchema)
}
