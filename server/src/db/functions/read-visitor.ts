import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'

const visitorSchema = z.object({ visitorId: z.string(), conversationId: z.string(), externalId: z.string().nullable() })

/** Visitor is who holds a token; `externalId` is the site's own id of its user, null when nobody knows who it is. */
export type Visitor = z.output<typeof visitorSchema>

/** readVisitor finds who holds the token with this SHA-256 (hex); null when nobody at this chatbot does. */
export function readVisitor(
  db: Database,
  args: { accountId: string; chatbotId: string; tokenSha256: string }
): Promise<Visitor | null> {
  return callForOneOrNone(db, 'read_visitor', args, visitorSchema)
}
