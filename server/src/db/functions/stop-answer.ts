import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'

const stoppedSchema = z.object({ status: z.string() })

/** stopAnswer asks whichever server streams the answer to stop; null when the message is not the account's. */
export function stopAnswer(
  db: Database,
  args: { accountId: string; conversationId: string; messageId: string }
): Promise<{ status: string } | null> {
  return callForOneOrNone(db, 'stop_answer', args, stoppedSchema)
}
