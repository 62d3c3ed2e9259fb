import type { Shop } from './shop.ts'
import type { Adjustment } from './state/adjustment.ts'
import type { Subscription } from './state/subscription.ts'
import type { Transaction } from './state/transaction.ts'
import { adjustmentEntity } from './wire/adjustment.ts'
import { subscriptionEntity } from './wire/subscription.ts'
import { transactionEntity } from './wire/transaction.ts'

/** tellTransaction tells that a transaction has changed, with one event per name. */
export function tellTransaction(shop: Shop, transaction: Transaction, ...names: string[]): void {
  transaction.updated_at = shop.stamp()
  for (const name of names) shop.tell(`transaction.${name}`, transactionEntity(shop, transaction))
}

/** tellSubscription tells that a subscription has changed, with one event per name. */
export function tellSubscription(shop: Shop, subscription: Subscription, ...names: string[]): void {
  subscription.updated_at = shop.stamp()
  for (const name of names) shop.tell(`subscription.${name}`, subscriptionEntity(shop, subscription))
}

/** tellSubscriptionCreated tells of a new subscription; only this event names the transaction that made it. */
export function tellSubscriptionCreated(shop: Shop, subscription: Subscription, transactionId: string): void {
  shop.tell('subscription.created', { ...subscriptionEntity(shop, subscription), transaction_id: transactionId })
}

/** tellAdjustment tells that an adjustment was `created` or `updated`. */
export function tellAdjustment(shop: Shop, adjustment: Adjustment, name: 'created' | 'updated'): void {
  shop.tell(`adjustment.${name}`, adjustmentEntity(adjustment))
}
