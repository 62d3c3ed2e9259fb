import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const blockerSchema = z.object({
  metric: z.string(),
  used: z.number(),
  quota: z.number(),
  excess: z.number(),
  message: z.string()
})
export type PlanChangeBlocker = z.output<typeof blockerSchema>

/** validatePlanChange lists what does not fit into `plan`; no row means that the change fits. */
export function validatePlanChange(db: Database, args: { accountId: string; plan: string }): Promise<PlanChangeBlocker[]> {
  return call(db, 'validate_plan_change', args, blockerSchema)
}
