import { callForOneOrNone } from '../call.ts'
import { type Chatbot, chatbotSchema } from '../chatbot-row.ts'
import type { Database } from '../database.ts'

/** updateChatbot changes what is given and not null; null when the chatbot is not the account's. */
export function updateChatbot(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    name?: string | null
    instructions?: string | null
    welcomeMessage?: string | null
    model?: string | null
    /** 0 is no cap. */
    monthlyMessageCap?: number | null
  }
): Promise<Chatbot | null> {
  return callForOneOrNone(db, 'update_chatbot', args, chatbotSchema)
}
