import type { Database } from '../db/database.ts'
import { readClock } from '../db/functions/read-clock.ts'

/**
 * ServerClock is what time it is for Parley, in this process: the real time, and in a sandbox the distance of the database's
 * clock on top. `follow` reads that distance anew.
 */
export type ServerClock = { nowMs(): number; follow(db: Database): Promise<void> }

/** createServerClock starts at the real time; where no clock can be moved (`isSandbox` false) it stays there. */
export function createServerClock(isSandbox: boolean): ServerClock {
  let offsetMs = 0
  return {
    nowMs: () => Date.now() + offsetMs,
    async follow(db) {
      if (!isSandbox) return
      const clock = await readClock(db)
      offsetMs = clock.sandbox ? clock.offsetMs : 0
    }
  }
}
