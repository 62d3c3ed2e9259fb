import type { BillingPlans } from '../../../server/src/contract/billing-plans.ts'
import type { SubscriptionBody } from '../../../server/src/contract/subscription.ts'
import { formatDay } from '../lib/format.ts'

/** SoldPlan is one plan with its prices, seen from the account. */
export type SoldPlan = BillingPlans['data'][number]

/** Interval is how often a plan is paid. */
export type Interval = 'month' | 'year'

/**
 * PlanAction is what can be done about a plan: `kind` decides what a press leads to, `label` is its button. Without a button
 * the label says how the plan stands.
 */
export type PlanAction = { kind: 'none' | 'checkout' | 'change' | 'cancel'; label: string }

/** isSubscribed tells whether there is a subscription that can be changed, rather than a first purchase to make. */
export function isSubscribed({ status }: SubscriptionBody): boolean {
  return status !== 'none' && status !== 'canceled' && status !== 'incomplete'
}

/** planActionOf decides the button of a plan. The server has the last word: what it refuses is told in the dialog. */
export function planActionOf(plan: SoldPlan, interval: Interval, subscription: SubscriptionBody): PlanAction {
  const { change, cancelsAt, subscribedPlan } = subscription
  const price = plan.prices[interval]
  const isFree = plan.prices.month === null && plan.prices.year === null
  if (!isSubscribed(subscription)) {
    if (plan.current) return { kind: 'none', label: 'Your plan' }
    if (price === null) return { kind: 'none', label: isFree ? 'Free of charge' : 'Not sold so' }
    return { kind: 'checkout', label: plan.trialDays > 0 ? `Try it ${plan.trialDays} days free` : `Get ${plan.name}` }
  }
  if (isFree) {
    return cancelsAt === null ? { kind: 'cancel', label: 'Cancel the subscription' } : { kind: 'none', label: 'Comes when yours ends' }
  }
  if (change?.plan === plan.plan && (change.interval ?? interval) === interval) {
    return { kind: 'none', label: `Comes on ${formatDay(change.effectiveAt)}` }
  }
  if (plan.plan === subscribedPlan) {
    // Overdue beyond its grace, paused or suspended, it is not what is used now.
    if (subscription.interval === interval || price === null) return { kind: 'none', label: plan.current ? 'Your plan' : 'Subscribed, not in force' }
    return { kind: 'change', label: interval === 'year' ? 'Pay by the year' : 'Pay by the month' }
  }
  if (price === null) return { kind: 'none', label: 'Not sold so' }
  return { kind: 'change', label: plan.direction === 'downgrade' ? `Downgrade to ${plan.name}` : `Upgrade to ${plan.name}` }
}
