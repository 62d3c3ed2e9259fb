import { credit } from './adjustments.ts'
import { startPeriods } from './billing.ts'
import { collect } from './dunning.ts'
import { subscriptionRefusal } from './errors.ts'
import { accepts, createBill } from './payment.ts'
import { quote, settle } from './proration.ts'
import type { ProrationMode, Quote } from './proration.ts'
import type { Shop } from './shop.ts'
import type { Item, Subscription } from './state/subscription.ts'
import { millis } from './time.ts'
import { tellSubscription } from './telling.ts'

const LOCK_MS = 30 * 60_000

/** WantedItem is an item as a request names it. */
export type WantedItem = { price_id: string; quantity?: number | undefined }

/** assertEditable refuses what Paddle refuses for any change: an ended subscription, and one that renews within 30 minutes. */
export function assertEditable(shop: Shop, subscription: Subscription): void {
  if (subscription.status === 'canceled') throw subscriptionRefusal('subscription_update_when_canceled')
  const end = subscription.current_billing_period?.ends_at
  const renews = subscription.status === 'active' || subscription.status === 'trialing'
  const locked = renews && end !== undefined && millis(end) - shop.nowMs() <= LOCK_MS
  if (locked) throw subscriptionRefusal('subscription_locked_renewal')
}

/** assertMode refuses a proration mode that the subscription's status does not take. */
export function assertMode({ status, scheduled_change }: Subscription, mode: ProrationMode | undefined): ProrationMode {
  if (status === 'past_due') throw subscriptionRefusal('subscription_update_when_past_due')
  if (mode === undefined) throw subscriptionRefusal('subscription_items_update_missing_proration_billing_mode')
  if (mode === 'do_not_bill') return mode
  if (status === 'trialing') throw subscriptionRefusal('subscription_trialing_items_update_invalid_options')
  if (status === 'paused') throw subscriptionRefusal('subscription_incorrect_proration_on_paused_subscription')
  if (scheduled_change !== null && mode.endsWith('_next_billing_period')) {
    throw subscriptionRefusal('subscription_invalid_billing_mode_for_scheduled_change')
  }
  return mode
}

/** itemsOf makes a subscription's items of wanted ones; those it has already keep their history. */
export function itemsOf(shop: Shop, subscription: Subscription, wanted: WantedItem[]): Item[] {
  const ids = new Set(wanted.map(({ price_id }) => price_id))
  if (ids.size !== wanted.length) throw subscriptionRefusal('subscription_duplicate_price_ids')
  const recurring = wanted.filter(({ price_id }) => shop.price(price_id).billing_cycle !== null)
  if (recurring.length === 0) throw subscriptionRefusal('subscription_no_recurring_items_remain')
  const now = shop.stamp()
  return recurring.map(({ price_id, quantity }) => {
    const price = shop.price(price_id)
    const kept = subscription.items.find((item) => item.price_id === price_id)
    if (price.status !== 'active' && !kept) throw subscriptionRefusal('subscription_new_items_not_valid')
    const count = quantity ?? kept?.quantity
    if (count === undefined) throw subscriptionRefusal('subscription_quantity_missing_for_new_items')
    if (kept) return { ...kept, quantity: count, updated_at: now }
    const first = subscription.items[0]
    const history = { previously_billed_at: first?.previously_billed_at ?? null, trial_dates: first?.trial_dates ?? null }
    return { price_id, price: structuredClone(price), quantity: count, created_at: now, updated_at: now, ...history }
  })
}

/**
 * changeItems replaces a subscription's items. When something is to be paid now and the card is declined, `prevent_change`
 * refuses and leaves everything as it was, and `apply_change` makes the change and the debt.
 */
export function changeItems(
  shop: Shop,
  subscription: Subscription,
  items: Item[],
  mode: ProrationMode,
  onFailure: 'prevent_change' | 'apply_change'
): void {
  const priced = quote(shop, subscription, items, mode)
  const wallet = shop.wallet(subscription.customer_id)
  const settled = settle(priced, priced.billed === 'now' ? wallet.creditMinor : 0)
  const prevents = priced.billed === 'now' && onFailure === 'prevent_change'
  if (prevents && !accepts(wallet.card, settled.toPayMinor, false)) throw subscriptionRefusal('subscription_payment_declined')
  subscription.items = items
  if (priced.restart) {
    const period = startPeriods(subscription, shop.nowMs(), priced.restart)
    // What is planned for the next billing date stays planned for it.
    if (subscription.scheduled_change) subscription.scheduled_change.effective_at = period.ends_at
  }
  tellSubscription(shop, subscription, 'updated')
  if (priced.creditMinor > 0) credit(shop, subscription, priced.creditMinor, priced.rate)
  if (priced.billed === 'now') billNow(shop, subscription, priced, settled)
  if (priced.billed === 'next') billNext(shop, subscription, priced)
}

function billNow(shop: Shop, subscription: Subscription, priced: Quote, settled: ReturnType<typeof settle>): void {
  if (priced.charges.length === 0 && priced.creditMinor === 0) return
  shop.wallet(subscription.customer_id).creditMinor = settled.balanceMinor
  if (priced.charges.length === 0) return
  const { charges: lines, period } = priced
  const toBalanceMinor = Math.max(0, priced.creditMinor - settled.usedMinor)
  const bill = { origin: 'subscription_update' as const, lines, creditMinor: settled.usedMinor, toBalanceMinor, period }
  collect(shop, subscription, createBill(shop, subscription, bill))
}

// The credit counts at once, the charges wait for the renewal and use it up there.
function billNext(shop: Shop, subscription: Subscription, priced: Quote): void {
  subscription.pending.push(...priced.charges)
  shop.wallet(subscription.customer_id).creditMinor += priced.creditMinor
}
