import { call } from '../call.ts'
import { type Chatbot, chatbotSchema } from '../chatbot-row.ts'
import type { Database } from '../database.ts'

/** listChatbots answers the newest first, at most `limit` (50) that come after the given one. */
export function listChatbots(
  db: Database,
  args: { accountId: string; limit?: number; beforeCreatedAt?: string | null; beforeId?: string | null }
): Promise<Chatbot[]> {
  return call(db, 'list_chatbots', args, chatbotSchema)
}
