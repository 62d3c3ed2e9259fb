import { type Context, newId, nowSeconds, TWIN_ACCOUNT_ID } from './context.ts'
import type { SubscriptionRecord } from './state.ts'

/** Parts are the entities an event carries, by name, in the order of its `contains`. */
export type Parts = Partial<Record<'subscription' | 'payment' | 'order' | 'invoice' | 'refund' | 'dispute', object>>

/** Change is one thing that happened, told by one or several events: they are of one time and come in any order. */
export type Change = { tell(event: string, parts: Parts): void }

/**
 * beginChange starts telling of a change to a subscription (null: of something that belongs to none).
 *
 * Each change of a subscription has a `created_at` of its own, a second later than the change before where they happen
 * within one: Razorpay works on one operation of a subscription at a time. Without that, pausing, resuming and pausing
 * again within a second would send the same bytes twice for two different facts.
 */
export function beginChange(context: Context, record: SubscriptionRecord | null): Change {
  const createdAt = record === null ? nowSeconds(context) : Math.max(nowSeconds(context), record.lastChangeAt + 1)
  if (record !== null) record.lastChangeAt = createdAt
  context.state.changes += 1
  context.world.changed()
  const group = `razorpay-${context.state.changes}`
  return {
    tell(event, parts) {
      const body = JSON.stringify({
        entity: 'event',
        account_id: TWIN_ACCOUNT_ID,
        event,
        contains: Object.keys(parts),
        payload: Object.fromEntries(Object.entries(parts).map(([name, entity]) => [name, { entity }])),
        created_at: createdAt
      })
      context.world.send({ processor: 'razorpay', eventId: newId(context, ''), eventType: event, body, group })
    }
  }
}
