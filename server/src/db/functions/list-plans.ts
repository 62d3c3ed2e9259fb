import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const planQuotaSchema = z.object({
  plan: z.string(),
  name: z.string(),
  position: z.number(),
  metric: z.string(),
  kind: z.enum(['counter', 'gauge']),
  unit: z.string(),
  title: z.string(),
  quota: z.number().nullable()
})
export type PlanQuota = z.output<typeof planQuotaSchema>

/** listPlans answers the catalog, one row per plan and metric, in order of `position`; a null quota is unlimited. */
export function listPlans(db: Database): Promise<PlanQuota[]> {
  return call(db, 'list_plans', {}, planQuotaSchema)
}
