import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { forgetUsageBatches } from '../db/functions/forget-usage-batches.ts'
import { releaseExpiredReservations } from '../db/functions/release-expired-reservations.ts'

const BATCH = 100
const FORGOTTEN_AT_ONCE = 1000

/** sweepReservations gives back what a crashed server left reserved, and forgets the answers of batches nobody asks for again. */
export async function sweepReservations({ db, log }: { db: Database; log: Logger }): Promise<void> {
  for (;;) {
    const released = await releaseExpiredReservations(db, { limit: BATCH })
    for (const reservation of released) log.warn(reservation, 'an expired reservation was released')
    if (released.length < BATCH) break
  }
  while ((await forgetUsageBatches(db, { limit: FORGOTTEN_AT_ONCE })) === FORGOTTEN_AT_ONCE);
}
