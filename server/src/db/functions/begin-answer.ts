import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import type { Channel } from '../decision.ts'

/**
 * beginningSchema: the decision is that of the metric that refused (`chatbot_messages`: the chatbot's own cap), or when
 * started that of `messages`; `messageId` is the answer that was started, runs or is replayed.
 */
export const beginningSchema = z.object({
  outcome: z.enum(['started', 'refused', 'replayed', 'running', 'not_found']),
  metric: z.string().nullable(),
  allowed: z.boolean().nullable(),
  used: z.number().nullable(),
  quota: z.number().nullable(),
  remaining: z.number().nullable(),
  resetsAt: timestamp.nullable(),
  plan: z.string().nullable(),
  replayed: z.boolean().nullable(),
  userMessageId: z.string().nullable(),
  messageId: z.string().nullable()
})
export type AnswerBeginning = z.output<typeof beginningSchema>

/**
 * beginAnswer charges the message, reserves the estimated tokens and writes both message rows, in one transaction. The
 * same request id answers `running` while the answer streams and `replayed` afterwards.
 */
export function beginAnswer(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    conversationId: string
    content: string
    tokenEstimate: number
    requestId?: string | null
    channel?: Channel
    expiresInSeconds?: number
    /** A new UUID by which a repeated call is recognised. */
    messageId?: string
    /** The answer to give anew; `content` must be its question, which is not stored again. */
    replaces?: string | null
  }
): Promise<AnswerBeginning> {
  return callForOne(db, 'begin_answer', args, beginningSchema)
}
