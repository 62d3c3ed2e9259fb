import { find } from './shop.ts'
import type { Shop } from './shop.ts'
import type { ItemRecord, LineRecord, SubscriptionRecord } from './state.ts'

const DAY_NAME = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short', year: 'numeric', timeZone: 'UTC' })

const FORMATS = new Map<string, Intl.NumberFormat>()

/** money writes an amount for people, e.g. `$19.00`. */
export function money(amountMinor: number, currency: string): string {
  const code = currency.toUpperCase()
  const format = FORMATS.get(code) ?? new Intl.NumberFormat('en-US', { style: 'currency', currency: code })
  FORMATS.set(code, format)
  return format.format(amountMinor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

/** wholeLine bills an item for a whole period, or says that it is free while on trial. */
export function wholeLine(
  shop: Shop,
  one: SubscriptionRecord,
  item: ItemRecord,
  period: { start: number; end: number },
  trial = false
): LineRecord {
  const price = find(shop.state.prices, 'price', item.priceId)
  const name = find(shop.state.products, 'product', price.productId).name
  return {
    id: shop.world.id('il_'),
    description: trial
      ? `Trial period for ${name}`
      : `${item.quantity} × ${name} (at ${money(price.amount, price.currency)} / ${price.interval})`,
    amount: trial ? 0 : price.amount * item.quantity,
    quantity: item.quantity,
    priceId: price.id,
    itemId: item.id,
    periodStart: period.start,
    periodEnd: period.end,
    whole: true,
    metadata: { ...one.metadata }
  }
}

/**
 * proratedLine gives back the rest of a period that was paid (`unused`), or bills the rest of one (`remaining`), by the
 * second, in whole minor units (docs.stripe.com/billing/subscriptions/prorations).
 */
export function proratedLine(
  shop: Shop,
  one: SubscriptionRecord,
  item: ItemRecord,
  at: number,
  kind: 'unused' | 'remaining'
): LineRecord {
  const price = find(shop.state.prices, 'price', item.priceId)
  const name = find(shop.state.products, 'product', price.productId).name
  const share = (one.periodEnd - at) / (one.periodEnd - one.periodStart)
  const amount = Math.round(price.amount * item.quantity * share)
  return {
    id: shop.world.id('il_'),
    description: `${kind === 'unused' ? 'Unused' : 'Remaining'} time on ${name} after ${DAY_NAME.format(at * 1000)}`,
    // 0 and not -0, which JSON does not know.
    amount: kind === 'unused' ? 0 - amount : amount,
    quantity: item.quantity,
    priceId: price.id,
    itemId: item.id,
    periodStart: at,
    periodEnd: one.periodEnd,
    whole: false,
    metadata: { ...one.metadata }
  }
}
