import { call } from '../call.ts'
import type { Database } from '../database.ts'
import { type WebhookEvent, webhookEventSchema } from '../webhook-event-row.ts'

/** listWebhookEvents answers the deliveries of all accounts, the newest first, at most `limit` after the given one. */
export function listWebhookEvents(
  db: Database,
  args: {
    status?: string | null
    processor?: string | null
    accountId?: string | null
    limit?: number
    beforeCreatedAt?: string | null
    beforeProcessor?: string | null
    beforeId?: string | null
  }
): Promise<WebhookEvent[]> {
  return call(db, 'list_webhook_events', args, webhookEventSchema)
}
