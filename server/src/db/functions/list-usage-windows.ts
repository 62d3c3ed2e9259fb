import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const windowSchema = z.object({ windowStart: timestamp, windowEnd: timestamp, isCurrent: z.boolean() })
export type UsageWindow = z.output<typeof windowSchema>

/** listUsageWindows answers the windows of a counter, the newest first; ends of past ones may be approximate. */
export function listUsageWindows(db: Database, args: { accountId: string; metric: string }): Promise<UsageWindow[]> {
  return call(db, 'list_usage_windows', args, windowSchema)
}
