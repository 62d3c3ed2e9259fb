import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const countSchema = z.object({ forgetUsageBatches: z.number() })

/** forgetUsageBatches removes the answers of batches that are an hour old, at most `limit` (1,000); answers how many. */
export async function forgetUsageBatches(db: Database, args: { limit?: number } = {}): Promise<number> {
  const { forgetUsageBatches: count } = await callForOne(db, 'forget_usage_batches', args, countSchema)
  return count
}
