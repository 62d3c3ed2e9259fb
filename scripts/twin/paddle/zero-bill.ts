import { itemLines } from './billing.ts'
import type { Bill } from './payment.ts'
import type { Subscription } from './state/subscription.ts'

/** draftZero is the transaction of nothing by which a card is changed. */
export function draftZero(subscription: Subscription): Bill {
  const lines = itemLines(subscription).map((line) => ({ ...line, amountMinor: 0 }))
  return { origin: 'subscription_payment_method_change', lines, creditMinor: 0, period: subscription.current_billing_period }
}
