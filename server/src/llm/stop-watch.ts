import type { Database } from '../db/database.ts'
import { answerStopRequested } from '../db/functions/answer-stop-requested.ts'

/**
 * watchForStop asks the database about every `everyMs` whether someone stopped the answer through another server, and then
 * calls `onStop` once. It answers the function that ends the watch. A question that fails is asked again.
 */
export function watchForStop(
  db: Database,
  answer: { accountId: string; messageId: string },
  everyMs: number,
  onStop: () => void
): () => void {
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  const ask = async (): Promise<void> => {
    const isRequested = await answerStopRequested(db, answer).catch(() => false)
    if (isOver) return
    if (isRequested) onStop()
    else schedule()
  }
  const schedule = (): void => {
    timer = setTimeout(() => void ask(), everyMs)
    timer.unref()
  }
  schedule()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
