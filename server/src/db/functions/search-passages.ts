import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const passageSchema = z.object({
  documentId: z.string(),
  documentName: z.string(),
  place: z.number(),
  content: z.string(),
  score: z.number()
})
export type Passage = z.output<typeof passageSchema>

/** searchPassages answers the passages of a chatbot's documents that fit the query best, at most `limit` (6). */
export function searchPassages(
  db: Database,
  args: { accountId: string; chatbotId: string; query: string; limit?: number }
): Promise<Passage[]> {
  return call(db, 'search_passages', args, passageSchema)
}
