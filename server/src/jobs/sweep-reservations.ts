import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { releaseExpiredReservations } from '../db/functions/release-expired-reservations.ts'

const BATCH = 100

/** sweepReservations gives back what a crashed server left reserved. */
export async function sweepReservations({ db, log }: { db: Database; log: Logger }): Promise<void> {
  for (;;) {
    const released = await releaseExpiredReservations(db, { limit: BATCH })
    for (const reservation of released) log.warn(reservation, 'an expired reservation was released')
    if (released.length < BATCH) return
  }
}
