import type { Database } from '../db/database.ts'
import { moveClock } from '../db/functions/move-clock.ts'
import { nextChangeAt } from '../db/functions/next-change-at.ts'
import { readClock } from '../db/functions/read-clock.ts'
import { advanceTwin, readTwin } from './twin-control.ts'

/** AdvanceParts is what letting time pass needs: `followClock` brings this process's clock in line, `runJobsOnce` does what is due. */
export type AdvanceParts = { db: Database; followClock: () => Promise<void>; runJobsOnce: () => Promise<void> }

const MINUTE_MS = 60_000
// Shorter than the time in which a processor can be told of a change before a period ends: none is jumped over.
const LONGEST_STEP_MS = 2 * 60 * MINUTE_MS
// So many stops shortly after one another are a sign of something that never gets done.
const PATIENT_STOPS = 20
const MOST_STOPS = 50_000

/**
 * advanceClock lets time pass for Parley and for the offline twin alike, stopping wherever either has something to do: first
 * Parley's clock, then the twin's, which delivers its webhooks to this server before it answers, then Parley's own
 * jobs. Nothing is held meanwhile. What stays due (a delivery that keeps failing) does not hold time up: it is left behind
 * in steps that grow. Throws TwinAway, and Error when it does not come to an end.
 */
export async function advanceClock(parts: AdvanceParts, sandboxUrl: string, targetMs: number): Promise<void> {
  const { db } = parts
  let shortStops = 0
  let { nextDueMs } = await readTwin(sandboxUrl)
  await parts.runJobsOnce()
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    const nowMs = Date.parse((await readClock(db)).now)
    const ownMs = await nextChangeAt(db)
    const dueMs = Math.min(nextDueMs ?? Infinity, ownMs === null ? Infinity : Date.parse(ownMs))
    shortStops = dueMs < nowMs + 2 * MINUTE_MS ? shortStops + 1 : 0
    const stopMs = Math.min(targetMs, Math.max(dueMs, nowMs + leastStepMs(shortStops)))
    if (stopMs > nowMs) await moveClock(db, { to: new Date(stopMs).toISOString() })
    await parts.followClock()
    ;({ nextDueMs } = await advanceTwin(sandboxUrl, stopMs))
    await parts.runJobsOnce()
    if (stopMs >= targetMs) return
  }
  throw new Error(`the clock has stopped ${MOST_STOPS} times and is not there yet`)
}

function leastStepMs(shortStops: number): number {
  return shortStops <= PATIENT_STOPS ? 0 : Math.min(MINUTE_MS * 2 ** (shortStops - PATIENT_STOPS), LONGEST_STEP_MS)
}
