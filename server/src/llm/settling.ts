import { setTimeout as wait } from 'node:timers/promises'
import { DatabaseUnavailable, type Database } from '../db/database.ts'
import { type AnswerFinish, finishAnswer } from '../db/functions/finish-answer.ts'

// Together about 20 seconds: longer than a failover's hiccup, and far shorter than the reservation lasts.
const PAUSES_MS = [100, 300, 1_000, 3_000, 6_000, 10_000]

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
