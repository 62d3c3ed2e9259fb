import { draftRenewal } from './billing.ts'
import { collect } from './dunning.ts'
import { createBill } from './payment.ts'
import type { Shop } from './shop.ts'
import type { Subscription } from './state/subscription.ts'
import { tellSubscription } from './telling.ts'

/**
 * renew opens a subscription's next period and bills it, at the end of a period or of a trial. The period advances before
 * the money is there (developer.paddle.com, webhooks/simulator/subscription-renewed).
 */
export function renew(shop: Shop, subscription: Subscription): void {
  const { schedule, period, lines, creditMinor } = draftRenewal(shop, subscription)
  const wasTrial = subscription.status === 'trialing'
  Object.assign(subscription, schedule)
  subscription.pending = []
  subscription.status = 'active'
  shop.wallet(subscription.customer_id).creditMinor -= creditMinor
  subscription.current_billing_period = period
  subscription.first_billed_at ??= period.starts_at
  for (const item of subscription.items) item.previously_billed_at = period.starts_at
  tellSubscription(shop, subscription, 'updated', ...(wasTrial ? ['activated'] : []))
  collect(shop, subscription, createBill(shop, subscription, { origin: 'subscription_recurring', lines, creditMinor, period }))
}
