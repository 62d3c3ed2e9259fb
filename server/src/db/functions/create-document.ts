import { z } from 'zod'
import { callForOneOrNone, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import { decisionSchema } from '../decision.ts'

const createdSchema = decisionSchema.extend({
  documentId: z.string().nullable(),
  chatbotId: z.string().nullable(),
  name: z.string().nullable(),
  mediaType: z.string().nullable(),
  sizeBytes: z.number().nullable(),
  passageCount: z.number().nullable(),
  createdAt: timestamp.nullable()
})
export type DocumentCreation = z.output<typeof createdSchema>

/**
 * createDocument stores a document's passages and counts its bytes, in one transaction. Null when the chatbot is not the
 * account's; the document's columns are null when refused. `sha256` is the hex digest of the uploaded bytes.
 */
export function createDocument(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    name: string
    mediaType: string
    sizeBytes: number
    sha256: string
    passages: string[]
    requestId?: string | null
  }
): Promise<DocumentCreation | null> {
  return callForOneOrNone(db, 'create_document', args, createdSchema)
}
