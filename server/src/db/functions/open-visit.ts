import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'

const openedVisitSchema = z.object({ visitorId: z.string(), conversationId: z.string(), tokenSha256: z.string() })

/** OpenedVisit: `tokenSha256` is that of the token that leads to it, the new one or the earlier. */
export type OpenedVisit = z.output<typeof openedVisitSchema>

/** openVisit begins a visit or goes on with an earlier one; null when the chatbot has no widget. */
export function openVisit(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    tokenSha256: string
    earlierTokenSha256: string | null
    /** The site's id of its user, whose signature was checked. */
    externalId: string | null
  }
): Promise<OpenedVisit | null> {
  return callForOneOrNone(db, 'open_visit', args, openedVisitSchema)
}
