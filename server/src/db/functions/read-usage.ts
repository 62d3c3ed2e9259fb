import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const usageSchema = z.object({
  metric: z.string(),
  kind: z.enum(['counter', 'gauge']),
  unit: z.string(),
  title: z.string(),
  used: z.number(),
  quota: z.number().nullable(),
  remaining: z.number().nullable(),
  windowStart: timestamp.nullable(),
  resetsAt: timestamp.nullable(),
  plan: z.string()
})
export type MetricUsage = z.output<typeof usageSchema>

/** readUsage answers one row per metric of the catalog, as it counts now. */
export function readUsage(db: Database, args: { accountId: string }): Promise<MetricUsage[]> {
  return call(db, 'read_usage', args, usageSchema)
}
