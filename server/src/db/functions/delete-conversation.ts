import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const deletedSchema = z.object({ deleted: z.boolean() })

/** deleteConversation deletes a conversation with its messages; false when there was nothing of the account's to delete. */
export function deleteConversation(
  db: Database,
  args: { accountId: string; chatbotId: string; conversationId: string }
): Promise<{ deleted: boolean }> {
  return callForOne(db, 'delete_conversation', args, deletedSchema)
}
