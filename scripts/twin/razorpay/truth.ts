import type { TwinSubscription } from '../dialect.ts'
import type { Context } from './context.ts'
import { noteOf } from './notes.ts'
import type { SubscriptionEntity, SubscriptionRecord } from './state.ts'

/**
 * subscriptionTruths are all subscriptions in Parley's words. `cancelsAt` is the twin's own knowledge: a cancellation at the
 * cycle's end shows in no answer and no event of Razorpay's.
 */
export function subscriptionTruths(context: Context): TwinSubscription[] {
  return Object.values(context.state.subscriptions).map(truth)
}

function truth({ entity, cancelAtCycleEnd }: SubscriptionRecord): TwinSubscription {
  return {
    processor: 'razorpay',
    subscriptionId: entity.id,
    customerId: entity.customer_id ?? '',
    accountId: noteOf(entity.notes, 'account_id'),
    status: STATUSES[entity.status],
    priceId: entity.plan_id,
    periodStart: asTime(entity.current_start),
    periodEnd: asTime(entity.current_end),
    cancelsAt: cancelAtCycleEnd ? asTime(entity.current_end) : null
  }
}

// Between its authentication and a future start a subscription is on trial; nothing stays authenticated otherwise.
const STATUSES: Record<SubscriptionEntity['status'], TwinSubscription['status']> = {
  created: 'incomplete',
  authenticated: 'trialing',
  active: 'active',
  pending: 'past_due',
  halted: 'past_due',
  paused: 'paused',
  cancelled: 'canceled',
  completed: 'canceled',
  expired: 'canceled'
}

function asTime(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString()
}
