import { z } from 'zod'
import { timestamp } from './call.ts'

/** messageSchema is a row of list_messages and read_message; `citations` is the jsonb that was stored. */
export const messageSchema = z.object({
  messageId: z.string(),
  place: z.number(),
  role: z.enum(['user', 'assistant']),
  status: z.string(),
  content: z.string(),
  citations: z.unknown(),
  inputTokens: z.number().nullable(),
  outputTokens: z.number().nullable(),
  error: z.string().nullable(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable()
})
export type Message = z.output<typeof messageSchema>
