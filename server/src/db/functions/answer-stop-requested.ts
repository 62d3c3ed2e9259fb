import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const requestedSchema = z.object({ stopRequested: z.boolean() })

/** answerStopRequested tells a streaming server whether someone asked for the end; a message that is gone counts as asked. */
export async function answerStopRequested(db: Database, args: { accountId: string; messageId: string }): Promise<boolean> {
  return (await callForOne(db, 'answer_stop_requested', args, requestedSchema)).stopRequested
}
