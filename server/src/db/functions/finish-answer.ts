import { z } from 'zod'
import { callForOneOrNone, timestamp } from '../call.ts'
import { type Database, JsonArgument } from '../database.ts'

const finishSchema = z.object({
  status: z.string(),
  chargedMessages: z.number().nullable(),
  chargedTokens: z.number().nullable(),
  used: z.number().nullable(),
  quota: z.number().nullable(),
  remaining: z.number().nullable(),
  resetsAt: timestamp.nullable()
})
export type AnswerFinish = z.output<typeof finishSchema>

/** finishAnswer stores the answer and settles its cost; a failed one costs nothing. May be repeated; null for an unknown answer. */
export function finishAnswer(
  db: Database,
  args: {
    accountId: string
    messageId: string
    status: 'complete' | 'stopped' | 'failed'
    content: string
    citations: unknown[]
    inputTokens: number
    outputTokens: number
    error?: string | null
  }
): Promise<AnswerFinish | null> {
  return callForOneOrNone(db, 'finish_answer', { ...args, citations: new JsonArgument(args.citations) }, finishSchema)
}
