import { call } from '../call.ts'
import { z } from 'zod'
import type { Database } from '../database.ts'

/** upsertPrice says which plan a processor's price buys, and how often it is paid. */
export async function upsertPrice(
  db: Database,
  args: { processor: string; priceId: string; plan: string; interval: 'month' | 'year' }
): Promise<void> {
  await call(db, 'upsert_price', args, z.object({ priceId: z.string() }))
}
