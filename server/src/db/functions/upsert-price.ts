import { call } from '../call.ts'
import { z } from 'zod'
import type { Database } from '../database.ts'

/**
 * upsertPrice says which plan a processor's price buys, and how often it is paid. `version` null = the newest version of
 * the plan's price; `trialDays` is the trial that belongs to the price itself (Paddle).
 */
export async function upsertPrice(
  db: Database,
  args: {
    processor: string
    priceId: string
    plan: string
    interval: 'month' | 'year'
    version?: number | null
    trialDays?: number
  }
): Promise<void> {
  await call(db, 'upsert_price', args, z.object({ priceId: z.string() }))
}
