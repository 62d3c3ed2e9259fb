import type { SubscriptionBody } from '../../../../server/src/contract/subscription.ts'
import type { Usage } from '../../../../server/src/contract/usage.ts'
import { SOFT_MARK_PERCENT } from '../../kit/meter-state.ts'

/** Notice is what the banner says. `key` names it, so that dismissing one hides that one only. */
export type Notice =
  /** lostPlan is what was subscribed and is not in force any more; null as long as it is. */
  | { kind: 'past_due'; key: string; graceEndsAt: string | null; lostPlan: string | null }
  | { kind: 'over_limit'; key: string; metrics: { metric: string; title: string; used: number; quota: number }[] }
  | { kind: 'scheduled'; key: string; plan: string; at: string }
  | { kind: 'canceling'; key: string; at: string }
  | { kind: 'near_limit'; key: string; metric: string; title: string; unit: string; used: number; quota: number; resetsAt: string | null }

/** chooseBanner picks the one thing that matters most: past due, over a limit, a change to come, near a limit; else null. */
export function chooseBanner(subscription: SubscriptionBody | undefined, usage: Usage | undefined): Notice | null {
  return pastDue(subscription) ?? overLimit(subscription, usage) ?? toCome(subscription) ?? nearLimit(usage)
}

function pastDue(subscription: SubscriptionBody | undefined): Notice | null {
  if (subscription?.status !== 'past_due') return null
  const { periodStart, graceEndsAt, plan, subscribedPlan } = subscription
  const lostPlan = subscribedPlan === plan ? null : subscribedPlan
  return { kind: 'past_due', key: `past_due ${periodStart ?? ''}`, graceEndsAt, lostPlan }
}

function overLimit(subscription: SubscriptionBody | undefined, usage: Usage | undefined): Notice | null {
  const over = subscription?.overLimit ?? []
  if (over.length === 0) return null
  const titleOf = (metric: string): string => usage?.metrics.find((one) => one.metric === metric)?.title ?? metric
  return {
    kind: 'over_limit',
    key: `over_limit ${over.map(({ metric, excess }) => `${metric}:${excess}`).join(' ')}`,
    metrics: over.map(({ metric, used, quota }) => ({ metric, title: titleOf(metric), used, quota }))
  }
}

function toCome(subscription: SubscriptionBody | undefined): Notice | null {
  if (subscription === undefined) return null
  const { change, cancelsAt } = subscription
  if (change !== null) return { kind: 'scheduled', key: `scheduled ${change.plan} ${change.effectiveAt}`, plan: change.plan, at: change.effectiveAt }
  if (cancelsAt !== null && subscription.status !== 'canceled') return { kind: 'canceling', key: `canceling ${cancelsAt}`, at: cancelsAt }
  return null
}

// Only what starts again or can be waited for is worth a warning beforehand; a full set of chatbots is no emergency.
function nearLimit(usage: Usage | undefined): Notice | null {
  const near = (usage?.metrics ?? [])
    .flatMap((metric) => (metric.kind === 'counter' && metric.quota !== null && metric.quota > 0 ? [{ ...metric, quota: metric.quota }] : []))
    .filter(({ used, quota }) => used * 100 >= SOFT_MARK_PERCENT * quota)
    .sort((one, other) => other.used / other.quota - one.used / one.quota)[0]
  if (near === undefined) return null
  const { metric, title, unit, used, quota, resetsAt } = near
  // Once at the soft mark and once at the hard one, in each window.
  const mark = used >= quota ? 100 : SOFT_MARK_PERCENT
  return { kind: 'near_limit', key: `near_limit ${metric} ${mark} ${resetsAt ?? ''}`, metric, title, unit, used, quota, resetsAt }
}
