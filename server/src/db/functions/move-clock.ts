import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { type Clock, clockSchema } from './read-clock.ts'

/** moveClock sets Parley's clock to a later time, in a sandbox only (PY416 elsewhere). */
export function moveClock(db: Database, args: { to: string }): Promise<Clock> {
  return callForOne(db, 'move_clock', args, clockSchema)
}
