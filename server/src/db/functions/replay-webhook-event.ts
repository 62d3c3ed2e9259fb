import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'

const replayedSchema = z.object({ status: z.string() })

/** replayWebhookEvent makes a failed, dead or discarded delivery due at once; answers its status, null for an unknown one. */
export function replayWebhookEvent(
  db: Database,
  args: { processor: string; eventId: string }
): Promise<{ status: string } | null> {
  return callForOneOrNone(db, 'replay_webhook_event', args, replayedSchema)
}
