import { z } from 'zod'
import { fullLine } from '../billing.ts'
import { collect } from '../dunning.ts'
import { subscriptionRefusal } from '../errors.ts'
import { sumOf } from '../money.ts'
import { accepts, createBill } from '../payment.ts'
import { assertEditable } from '../plan-change.ts'
import type { Shop } from '../shop.ts'
import type { Subscription } from '../state/subscription.ts'
import { tellSubscription } from '../telling.ts'

/** chargeRequest asks for a one-time charge on a subscription. */
export const chargeRequest = z.object({
  effective_from: z.enum(['immediately', 'next_billing_period']),
  items: z.array(z.object({ price_id: z.string(), quantity: z.number().int().min(1) })).min(1),
  on_payment_failure: z.enum(['prevent_change', 'apply_change']).default('prevent_change')
})

/** chargeOnce bills one-time prices: at once, or with the next renewal. */
export function chargeOnce(shop: Shop, subscription: Subscription, wanted: z.output<typeof chargeRequest>): void {
  assertEditable(shop, subscription)
  if (subscription.status === 'past_due') throw subscriptionRefusal('subscription_update_when_past_due')
  const prices = wanted.items.map(({ price_id, quantity }) => ({ price: shop.price(price_id), quantity }))
  if (prices.some(({ price }) => price.billing_cycle !== null)) throw subscriptionRefusal('subscription_new_items_not_valid')
  const lines = prices.map(({ price, quantity }) => fullLine(price, quantity))
  if (wanted.effective_from === 'next_billing_period') {
    subscription.pending.push(...lines)
    tellSubscription(shop, subscription, 'updated')
    return
  }
  const { card } = shop.wallet(subscription.customer_id)
  if (wanted.on_payment_failure === 'prevent_change' && !accepts(card, sumOf(lines), false)) {
    throw subscriptionRefusal('subscription_payment_declined')
  }
  const period = subscription.current_billing_period
  collect(shop, subscription, createBill(shop, subscription, { origin: 'subscription_charge', lines, creditMinor: 0, period }))
}
