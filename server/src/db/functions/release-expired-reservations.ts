import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const releasedSchema = z.object({
  accountId: z.string(),
  requestId: z.string(),
  metric: z.string(),
  released: z.number()
})
export type ReleasedReservation = z.output<typeof releasedSchema>

/** releaseExpiredReservations gives back what a crash left reserved, at most `limit` (100) reservations at a time. */
export function releaseExpiredReservations(db: Database, args: { limit?: number } = {}): Promise<ReleasedReservation[]> {
  return call(db, 'release_expired_reservations', args, releasedSchema)
}
