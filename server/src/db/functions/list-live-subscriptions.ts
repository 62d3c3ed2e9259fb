import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const liveSchema = z.object({ accountId: z.string(), subscriptionId: z.string(), status: z.string(), asOf: timestamp })
export type LiveSubscription = z.output<typeof liveSchema>

/** listLiveSubscriptions lists by id what is believed to be subscribed to at a processor; `afterSubscriptionId` null = the first page. */
export function listLiveSubscriptions(
  db: Database,
  args: { processor: string; limit: number; afterSubscriptionId: string | null }
): Promise<LiveSubscription[]> {
  return call(db, 'list_live_subscriptions', args, liveSchema)
}
