import { setTimeout as wait } from 'node:timers/promises'
import { DatabaseUnavailable, type Database } from '../db/database.ts'
import { type AnswerFinish, finishAnswer } from '../db/functions/finish-answer.ts'

// Together about 20 seconds: longer than a failover's hiccup, and far shorter than the reservation lasts. None is long: once the
// database is back, what is open must be settled within five seconds.
const PAUSES_MS = [100, 300, 1_000, 3_000, 3_000, 3_000, 3_000, 3_000, 4_000]

/**
 * settleAnswer stores an answer and settles its cost, trying again for about 20 seconds while the database is away; the
 * function answers a repetition with what the first call settled. Throws the last error; then the sweeper releases what
 * was reserved, and the answer has cost nothing.
 */
export async function settleAnswer(
  db: Database,
  args: Parameters<typeof finishAnswer>[1],
  pause: (milliseconds: number) => Promise<void> = wait
): Promise<AnswerFinish> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const finish = await finishAnswer(db, args)
      if (finish === null) throw new Error('The answer that was generated is unknown to the database.')
      return finish
    } catch (error) {
      const pauseMs = PAUSES_MS[attempt]
      if (!(error instanceof DatabaseUnavailable) || pauseMs === undefined) throw error
      await pause(pauseMs)
    }
  }
}

/**
 * giveBackLostAnswer undoes an answer of which nobody knows whether it was begun, because the connection was lost before the
 * database said so: nobody will generate it, so it must cost nothing. It looks again for about 20 seconds, as the lost call may
 * yet arrive, or until `stop`. It never throws: what it misses, the sweeper releases.
 */
export async function giveBackLostAnswer(
  db: Database,
  answer: { accountId: string; messageId: string },
  stop: AbortSignal,
  pause: (milliseconds: number) => Promise<void> = (milliseconds) => wait(milliseconds, undefined, { signal: stop })
): Promise<void> {
  const error = 'The database was lost before the answer began.'
  for (const pauseMs of PAUSES_MS) {
    try {
      await pause(pauseMs)
      const lost = { ...answer, status: 'failed' as const, content: '', citations: [], inputTokens: 0, outputTokens: 0, error }
      if ((await finishAnswer(db, lost)) !== null) return
    } catch (failure) {
      if (!(failure instanceof DatabaseUnavailable)) return
    }
  }
}
