import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

/** clockSchema: `sandbox` = the clock can be moved; `offsetMs` is how far it is ahead of the real time. */
export const clockSchema = z.object({ now: timestamp, sandbox: z.boolean(), offsetMs: z.number() })
export type Clock = z.output<typeof clockSchema>

/** readClock tells what time it is for Parley. */
export function readClock(db: Database): Promise<Clock> {
  return callForOne(db, 'read_clock', {}, clockSchema)
}
