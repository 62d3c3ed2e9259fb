import { z } from 'zod'
import { timestamp } from './call.ts'

/** conversationSchema is a conversation as it is read; the functions answer none when it is not the account's. */
export const conversationSchema = z.object({
  conversationId: z.string(),
  chatbotId: z.string(),
  title: z.string(),
  channel: z.enum(['playground', 'widget', 'api']),
  createdAt: timestamp,
  updatedAt: timestamp
})
export type Conversation = z.output<typeof conversationSchema>
