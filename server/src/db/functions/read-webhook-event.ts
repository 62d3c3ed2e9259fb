import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'
import { type WebhookEvent, webhookEventSchema } from '../webhook-event-row.ts'

const withPayloadSchema = webhookEventSchema.extend({ payload: z.string() })

/** readWebhookEvent answers one delivery with the body as it was received, null for an unknown one. */
export function readWebhookEvent(
  db: Database,
  args: { processor: string; eventId: string }
): Promise<(WebhookEvent & { payload: string }) | null> {
  return callForOneOrNone(db, 'read_webhook_event', args, withPayloadSchema)
}
