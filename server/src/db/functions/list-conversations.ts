import { call } from '../call.ts'
import { type Conversation, conversationSchema } from '../conversation-row.ts'
import type { Database } from '../database.ts'

/** listConversations answers a chatbot's conversations, the latest used first, at most `limit` after the given one. */
export function listConversations(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    limit?: number
    beforeUpdatedAt?: string | null
    beforeId?: string | null
  }
): Promise<Conversation[]> {
  return call(db, 'list_conversations', args, conversationSchema)
}
