import { cycleOf, itemLines, startPeriods } from './billing.ts'
import { cancelNow, cancelTransaction, collect, pastDueBills } from './dunning.ts'
import { subscriptionRefusal } from './errors.ts'
import { createBill } from './payment.ts'
import type { Shop } from './shop.ts'
import type { Subscription } from './state/subscription.ts'
import { millis } from './time.ts'
import { tellSubscription } from './telling.ts'

/** cancel ends a subscription now or with its period. One that is paused has no period and ends now. */
export function cancel(shop: Shop, subscription: Subscription, when: 'immediately' | 'next_billing_period'): void {
  if (subscription.status === 'canceled') throw subscriptionRefusal('subscription_is_canceled_action_invalid')
  const period = subscription.current_billing_period
  if (when === 'immediately' || period === null) {
    cancelNow(shop, subscription)
    return
  }
  schedule(shop, subscription, { action: 'cancel', effective_at: period.ends_at, resume_at: null })
}

/** pause stops a subscription now or at the end of its period, for good or until `resumeAt`. */
export function pause(
  shop: Shop,
  subscription: Subscription,
  when: 'immediately' | 'next_billing_period',
  resumeAt: string | null = null
): void {
  const { status, scheduled_change, current_billing_period } = subscription
  if (status === 'canceled') throw subscriptionRefusal('subscription_is_canceled_action_invalid')
  if (status === 'paused' || current_billing_period === null) throw subscriptionRefusal('subscription_cannot_be_paused')
  if (scheduled_change !== null && scheduled_change.action !== 'pause') {
    throw subscriptionRefusal('subscription_locked_pending_changes')
  }
  if (when === 'immediately') pauseNow(shop, subscription, resumeAt)
  else schedule(shop, subscription, { action: 'pause', effective_at: current_billing_period.ends_at, resume_at: resumeAt })
}

/**
 * pauseNow stops a subscription. What is owed is forgiven, so that a resumed period is not charged twice. A paused
 * subscription shows no period, as in Paddle's own samples; the twin remembers it for `continue_existing_billing_period`.
 */
function pauseNow(shop: Shop, subscription: Subscription, resumeAt: string | null): void {
  const owed = pastDueBills(shop, subscription)
  subscription.status = 'paused'
  subscription.paused_at = shop.stamp()
  subscription.pausedPeriod = subscription.current_billing_period
  subscription.current_billing_period = null
  subscription.scheduled_change = resumeAt === null ? null : { action: 'resume', effective_at: resumeAt, resume_at: null }
  tellSubscription(shop, subscription, 'updated', 'paused')
  for (const bill of owed) cancelTransaction(shop, bill)
}

/** resume starts a paused subscription again: with a new period that is billed, or within the one that was paused. */
export function resume(shop: Shop, subscription: Subscription, onResume: 'start_new' | 'continue_existing' = 'start_new'): void {
  if (subscription.status === 'canceled') throw subscriptionRefusal('subscription_is_canceled_action_invalid')
  if (subscription.status !== 'paused') throw subscriptionRefusal('subscription_must_be_paused')
  const { pausedPeriod } = subscription
  const continues = onResume === 'continue_existing'
  if (continues && (pausedPeriod === null || millis(pausedPeriod.ends_at) <= shop.nowMs())) {
    throw subscriptionRefusal('subscription_continuing_existing_billing_period_not_allowed')
  }
  Object.assign(subscription, { status: 'active', paused_at: null, pausedPeriod: null, scheduled_change: null })
  if (continues) {
    subscription.current_billing_period = pausedPeriod
    tellSubscription(shop, subscription, 'updated', 'resumed')
    return
  }
  billNewPeriod(shop, subscription, ['updated', 'resumed'])
}

/** activate ends a trial now. */
export function activate(shop: Shop, subscription: Subscription): void {
  if (subscription.status !== 'trialing') throw subscriptionRefusal('subscription_cannot_activate')
  subscription.status = 'active'
  billNewPeriod(shop, subscription, ['updated'])
}

/** undoScheduledChange lets what was planned not happen. */
export function undoScheduledChange(shop: Shop, subscription: Subscription): void {
  if (subscription.scheduled_change === null) return
  subscription.scheduled_change = null
  tellSubscription(shop, subscription, 'updated')
}

/** runScheduledChange does what was planned for a subscription, at its time. */
export function runScheduledChange(shop: Shop, subscription: Subscription): void {
  const change = subscription.scheduled_change
  subscription.scheduled_change = null
  if (change?.action === 'cancel') cancelNow(shop, subscription)
  if (change?.action === 'pause') pauseNow(shop, subscription, change.resume_at)
  if (change?.action === 'resume') resume(shop, subscription)
}

/** schedule notes what will happen to a subscription. */
export function schedule(shop: Shop, subscription: Subscription, change: NonNullable<Subscription['scheduled_change']>): void {
  subscription.scheduled_change = change
  tellSubscription(shop, subscription, 'updated')
}

function billNewPeriod(shop: Shop, subscription: Subscription, told: string[]): void {
  const cycle = cycleOf(subscription.items) ?? subscription.billing_cycle
  const period = startPeriods(subscription, shop.nowMs(), cycle)
  tellSubscription(shop, subscription, ...told)
  const lines = itemLines(subscription)
  collect(shop, subscription, createBill(shop, subscription, { origin: 'subscription_recurring', lines, creditMinor: 0, period }))
  if (subscription.status === 'active') tellSubscription(shop, subscription, 'updated', 'activated')
}
