import { z } from 'zod'

/** TwinTimes is how the offline twin's clock stands, and when something next happens there by itself, in Unix milliseconds. */
export type TwinTimes = { nowMs: number; nextDueMs: number | null }

/** TwinAway: the twin does not answer, or not so that it can be understood. */
export class TwinAway extends Error {}

const timesSchema = z.object({ now: z.iso.datetime(), nextDue: z.iso.datetime().nullable() })
const READ_TIMEOUT_MS = 10_000
// It does all that is due on the way, and delivers webhooks until they are answered.
const ADVANCE_TIMEOUT_MS = 300_000

/** readTwin asks for its times. Throws {@link TwinAway}. */
export function readTwin(sandboxUrl: string): Promise<TwinTimes> {
  return ask(`${sandboxUrl}/state`, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) })
}

/** advanceTwin lets time pass there; answered when its webhooks are delivered. Throws {@link TwinAway}. */
export function advanceTwin(sandboxUrl: string, toMs: number): Promise<TwinTimes> {
  return ask(`${sandboxUrl}/advance`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ to: new Date(toMs).toISOString() }),
    signal: AbortSignal.timeout(ADVANCE_TIMEOUT_MS)
  })
}

async function ask(url: string, request: RequestInit): Promise<TwinTimes> {
  try {
    const answer = await fetch(url, request)
    const body: unknown = await answer.json()
    if (!answer.ok) throw new Error(`the twin answered ${answer.status}: ${JSON.stringify(body).slice(0, 500)}`)
    const { now, nextDue } = timesSchema.parse(body)
    return { nowMs: Date.parse(now), nextDueMs: nextDue === null ? null : Date.parse(nextDue) }
  } catch (error) {
    throw new TwinAway('The offline twin gave no answer that could be used', { cause: error })
  }
}
