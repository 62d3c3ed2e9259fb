import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const passageSchema = z.object({ documentName: z.string(), passageCount: z.number(), place: z.number(), content: z.string() })
export type PassageInPlace = z.output<typeof passageSchema>

/** readPassages answers a passage of a document and the two on each side of it, in their order; empty where it is not there. */
export function readPassages(
  db: Database,
  args: { accountId: string; chatbotId: string; documentId: string; place: number }
): Promise<PassageInPlace[]> {
  return call(db, 'read_passages', args, passageSchema)
}
