import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const documentSchema = z.object({
  documentId: z.string(),
  chatbotId: z.string(),
  name: z.string(),
  mediaType: z.string(),
  sizeBytes: z.number(),
  passageCount: z.number(),
  createdAt: timestamp
})
export type StoredDocument = z.output<typeof documentSchema>

/** listDocuments answers a chatbot's documents, the newest first, at most `limit` (50) that come after the given one. */
export function listDocuments(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    limit?: number
    beforeCreatedAt?: string | null
    beforeId?: string | null
  }
): Promise<StoredDocument[]> {
  return call(db, 'list_documents', args, documentSchema)
}
