import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import { conversationSchema } from '../conversation-row.ts'
import type { Database } from '../database.ts'
import type { Channel } from '../decision.ts'

const createdSchema = conversationSchema.extend({ replayed: z.boolean() })
export type ConversationCreation = z.output<typeof createdSchema>

/** createConversation answers null when the chatbot is not the account's. */
export function createConversation(
  db: Database,
  args: { accountId: string; chatbotId: string; title?: string; channel?: Channel; requestId?: string | null }
): Promise<ConversationCreation | null> {
  return callForOneOrNone(db, 'create_conversation', args, createdSchema)
}
