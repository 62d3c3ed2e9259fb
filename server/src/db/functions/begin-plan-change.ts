import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import { operationKind } from '../operation-row.ts'
import { planChangeDirection, planChangeOutcome } from './preview-plan-change.ts'

const beginningSchema = z.object({
  outcome: z.enum(['started', 'scheduled', 'blocked', 'replayed', 'refused', ...planChangeOutcome.exclude(['possible']).options]),
  direction: planChangeDirection.nullable(),
  takesEffect: z.enum(['now', 'period_end']).nullable(),
  effectiveAt: timestamp.nullable(),
  planChangeId: z.string().nullable(),
  operationId: z.string().nullable(),
  kind: operationKind.nullable(),
  processor: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  priceId: z.string().nullable(),
  metric: z.string().nullable(),
  used: z.number().nullable(),
  quota: z.number().nullable(),
  excess: z.number().nullable(),
  message: z.string().nullable()
})
export type PlanChangeBeginning = z.output<typeof beginningSchema>

/**
 * beginPlanChange decides a change of plan and writes down what the processor must be asked. One row, but one per blocker
 * for a downgrade that does not fit. `started`: perform the operation now. `refused`: the same request was made before, and the
 * processor refused it for the reason in `message`.
 */
export function beginPlanChange(
  db: Database,
  args: { accountId: string; plan: string; interval: 'month' | 'year'; requestId?: string | null; reason?: 'owner' | 'operator' }
): Promise<PlanChangeBeginning[]> {
  return call(db, 'begin_plan_change', args, beginningSchema)
}
