import { charge, markCompleted, markPaid } from './payment.ts'
import type { Shop } from './shop.ts'
import type { Subscription } from './state/subscription.ts'
import type { Transaction } from './state/transaction.ts'
import { tellSubscription, tellTransaction } from './telling.ts'

const DAY_MS = 86_400_000

/**
 * RETRY_DAYS are the days after a failed payment on which it is tried again. Paddle tries "up to seven times over 30
 * days" at times it does not publish, and then cancels (changelog 2025, Automatic payment failure retries).
 */
const RETRY_DAYS = [1, 3, 5, 8, 12, 17, 23]
const GIVEN_UP_DAYS = 30

/** collect takes the money for a bill of a subscription, or else makes both past due. */
export function collect(shop: Shop, subscription: Subscription, bill: Transaction): void {
  if (charge(shop, bill, false)) {
    markPaid(shop, bill)
    markCompleted(shop, bill)
    return
  }
  bill.status = 'past_due'
  bill.failedAtMs = shop.nowMs()
  tellTransaction(shop, bill, 'updated', 'payment_failed', 'past_due')
  subscription.status = 'past_due'
  tellSubscription(shop, subscription, 'updated', 'past_due')
}

/** pastDueBills are the bills of a subscription that could not be collected, oldest first. */
export function pastDueBills(shop: Shop, subscription: Subscription): Transaction[] {
  if (subscription.status !== 'past_due') return []
  return Object.values(shop.state.transactions).filter(
    (one) => one.subscription_id === subscription.id && one.status === 'past_due'
  )
}

/** retryAtMs is when a past due bill is tried again, or given up. */
export function retryAtMs(bill: Transaction): number {
  return (bill.failedAtMs ?? 0) + (RETRY_DAYS[bill.attempts] ?? GIVEN_UP_DAYS) * DAY_MS
}

/** retry tries a past due bill again on its day; after the last time the subscription is canceled. */
export function retry(shop: Shop, subscription: Subscription, bill: Transaction): void {
  if (bill.attempts >= RETRY_DAYS.length) {
    cancelNow(shop, subscription)
    return
  }
  bill.attempts += 1
  payPastDue(shop, subscription, bill)
}

/** payPastDue tries to collect a past due bill; when nothing is owed any more the subscription is active again. */
export function payPastDue(shop: Shop, subscription: Subscription, bill: Transaction): boolean {
  if (!charge(shop, bill, false)) {
    tellTransaction(shop, bill, 'updated', 'payment_failed')
    return false
  }
  markPaid(shop, bill)
  markCompleted(shop, bill)
  if (pastDueBills(shop, subscription).length === 0) {
    subscription.status = 'active'
    tellSubscription(shop, subscription, 'updated', 'activated')
  }
  return true
}

/** cancelNow ends a subscription; nothing more is owed for it. */
export function cancelNow(shop: Shop, subscription: Subscription): void {
  const owed = pastDueBills(shop, subscription)
  subscription.status = 'canceled'
  subscription.canceled_at = shop.stamp()
  subscription.current_billing_period = null
  subscription.scheduled_change = null
  subscription.paused_at = null
  tellSubscription(shop, subscription, 'updated', 'canceled')
  for (const bill of owed) cancelTransaction(shop, bill)
}

/** cancelTransaction makes a transaction unpayable. */
export function cancelTransaction(shop: Shop, transaction: Transaction): void {
  transaction.status = 'canceled'
  tellTransaction(shop, transaction, 'updated', 'canceled')
}
