import { callForOne } from '../call.ts'
import { type Deletion, deletionSchema } from '../chatbot-row.ts'
import type { Database } from '../database.ts'

/** deleteChatbot deletes a chatbot with all it holds and frees its quota at once. */
export function deleteChatbot(db: Database, args: { accountId: string; chatbotId: string }): Promise<Deletion> {
  return callForOne(db, 'delete_chatbot', args, deletionSchema)
}
