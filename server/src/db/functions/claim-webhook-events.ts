import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const claimedSchema = z.object({
  processor: z.string(),
  id: z.string(),
  payload: z.string(),
  attempts: z.number()
})
export type ClaimedWebhookEvent = z.output<typeof claimedSchema>

/** claimWebhookEvents leases the deliveries that are due for another try for 60 seconds, at most `limit` (20). */
export function claimWebhookEvents(db: Database, args: { limit?: number } = {}): Promise<ClaimedWebhookEvent[]> {
  return call(db, 'claim_webhook_events', args, claimedSchema)
}
