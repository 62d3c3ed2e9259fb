import { callForOneOrNone } from '../call.ts'
import { type Chatbot, chatbotSchema } from '../chatbot-row.ts'
import type { Database } from '../database.ts'

/** readChatbot answers null when the chatbot is not the account's. */
export function readChatbot(db: Database, args: { accountId: string; chatbotId: string }): Promise<Chatbot | null> {
  return callForOneOrNone(db, 'read_chatbot', args, chatbotSchema)
}
