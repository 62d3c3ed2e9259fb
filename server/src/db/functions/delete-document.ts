import { callForOne } from '../call.ts'
import { type Deletion, deletionSchema } from '../chatbot-row.ts'
import type { Database } from '../database.ts'

/** deleteDocument deletes a document with its passages and frees its bytes at once. */
export function deleteDocument(
  db: Database,
  args: { accountId: string; chatbotId: string; documentId: string }
): Promise<Deletion> {
  return callForOne(db, 'delete_document', args, deletionSchema)
}
