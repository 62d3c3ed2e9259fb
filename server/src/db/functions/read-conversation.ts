import { callForOneOrNone } from '../call.ts'
import { type Conversation, conversationSchema } from '../conversation-row.ts'
import type { Database } from '../database.ts'

/** readConversation answers null when the conversation is not the account's or not this chatbot's. */
export function readConversation(
  db: Database,
  args: { accountId: string; chatbotId: string; conversationId: string }
): Promise<Conversation | null> {
  return callForOneOrNone(db, 'read_conversation', args, conversationSchema)
}
