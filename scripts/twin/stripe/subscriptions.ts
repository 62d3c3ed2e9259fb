import { addPeriods, boundaryAfter } from './calendar.ts'
import type { Recurrence } from './calendar.ts'
import { renderSubscription } from './render-subscription.ts'
import { emit, find, now, updating } from './shop.ts'
import type { Shop } from './shop.ts'
import type { ItemRecord, PriceRecord, State, SubscriptionRecord } from './state.ts'

/** tellSubscription sends an event about a subscription as it is now. */
export function tellSubscription(shop: Shop, type: string, one: SubscriptionRecord): void {
  emit(shop, type, renderSubscription(shop.state, one))
}

/** changeSubscription does `work` on a subscription and tells of it with `customer.subscription.updated`. */
export function changeSubscription<Result>(shop: Shop, one: SubscriptionRecord, work: () => Result): Result {
  return updating(shop, 'customer.subscription.updated', () => renderSubscription(shop.state, one), work)
}

/** recurrenceOf is how often the first item is billed; Stripe wants it to be the same for all items. */
export function recurrenceOf(state: State, items: { priceId: string }[]): Recurrence {
  const price: PriceRecord = find(state.prices, 'price', items[0]?.priceId ?? '')
  return { interval: price.interval ?? 'month', intervalCount: price.intervalCount }
}

/** makeItem is one item of a subscription to be. */
export function makeItem(shop: Shop, item: { priceId: string; quantity: number }): ItemRecord {
  return { ...item, id: shop.world.id('si_', 14), metadata: {}, created: now(shop) }
}

/**
 * makeSubscription adds a subscription; the caller bills it. Without a trial it begins as `incomplete`, as at Stripe, until
 * its first invoice is paid.
 */
export function makeSubscription(
  shop: Shop,
  wish: {
    customerId: string
    items: ItemRecord[]
    trialEnd: number | null
    metadata: Record<string, string>
    description: string | null
  }
): SubscriptionRecord {
  const { items, trialEnd } = wish
  const start = now(shop)
  const anchor = trialEnd ?? start
  const one: SubscriptionRecord = {
    ...wish,
    id: shop.world.id('sub_'),
    status: trialEnd === null ? 'incomplete' : 'trialing',
    pendingLines: [],
    currency: find(shop.state.prices, 'price', items[0]?.priceId ?? '').currency,
    anchor,
    periodStart: start,
    periodEnd: trialEnd ?? addPeriods(anchor, recurrenceOf(shop.state, items), 1),
    cancelAtPeriodEnd: false,
    cancelAt: null,
    canceledAt: null,
    endedAt: null,
    cancelReason: null,
    cancelComment: null,
    cancelFeedback: null,
    trialStart: trialEnd === null ? null : start,
    trialWarned: false,
    pausedAt: null,
    pauseCollection: null,
    pendingUpdate: null,
    latestInvoiceId: null,
    scheduleId: null,
    created: start
  }
  shop.state.subscriptions[one.id] = one
  return one
}

/** nextPeriod is the period that begins where the present one ends. */
export function nextPeriod(state: State, one: SubscriptionRecord): { start: number; end: number } {
  return { start: one.periodEnd, end: boundaryAfter(one.anchor, recurrenceOf(state, one.items), one.periodEnd) }
}
