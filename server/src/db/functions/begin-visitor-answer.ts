import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { beginningSchema } from './begin-answer.ts'

const visitorBeginningSchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('too_many'), retryAfterSeconds: z.number() }),
  beginningSchema
])

/** VisitorBeginning is what begin_answer says, or `too_many`: the visitor had its messages of this hour. */
export type VisitorBeginning = z.output<typeof visitorBeginningSchema>

/**
 * beginVisitorAnswer is beginAnswer for a visitor of the widget: it makes the conversation when there is none yet and counts
 * the messages of the visitor in the hour. `requestId` is unique among those of this visitor.
 */
export function beginVisitorAnswer(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    visitorId: string
    content: string
    tokenEstimate: number
    requestId?: string | null
    expiresInSeconds?: number
    /** A new UUID by which a repeated call is recognised. */
    messageId?: string
  }
): Promise<VisitorBeginning> {
  return callForOne(db, 'begin_visitor_answer', args, visitorBeginningSchema)
}
