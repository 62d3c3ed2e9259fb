import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

/** planChangeOutcome are the answers to the question whether a plan can be changed to now; see app.plan_change_of. */
export const planChangeOutcome = z.enum([
  'possible',
  'no_subscription',
  'same',
  'past_due',
  'not_running',
  'suspended',
  'canceling',
  'pending',
  'busy',
  'not_sold'
])

/** planChangeDirection: a larger plan, a smaller one, another billing interval, or the newest version of the price. */
export const planChangeDirection = z.enum(['upgrade', 'downgrade', 'interval', 'price'])

const previewSchema = z.object({
  outcome: planChangeOutcome,
  direction: planChangeDirection.nullable(),
  takesEffect: z.enum(['now', 'period_end']).nullable(),
  effectiveAt: timestamp.nullable(),
  processor: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  fromPlan: z.string().nullable(),
  fromInterval: z.enum(['month', 'year']).nullable(),
  fromAmountMinor: z.number().nullable(),
  toPriceId: z.string().nullable(),
  toAmountMinor: z.number().nullable(),
  currency: z.string().nullable(),
  metric: z.string(),
  title: z.string(),
  unit: z.string(),
  kind: z.enum(['counter', 'gauge']),
  used: z.number(),
  quotaNow: z.number().nullable(),
  quotaThen: z.number().nullable(),
  excess: z.number().nullable(),
  message: z.string().nullable()
})
export type PlanChangePreviewRow = z.output<typeof previewSchema>

/** previewPlanChange answers one row per metric: what the change would give and take. It changes nothing. */
export function previewPlanChange(
  db: Database,
  args: { accountId: string; plan: string; interval: 'month' | 'year' }
): Promise<PlanChangePreviewRow[]> {
  return call(db, 'preview_plan_change', args, previewSchema)
}
