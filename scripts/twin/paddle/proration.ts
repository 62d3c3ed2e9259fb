import { cycleOf, fullLine, itemLines, periodOf, sameCycle } from './billing.ts'
import { proratedMinor, sumOf } from './money.ts'
import type { Shop } from './shop.ts'
import type { Cycle } from './state/catalog.ts'
import type { Item, Subscription } from './state/subscription.ts'
import type { Line, Period } from './state/transaction.ts'
import { iso, millis } from './time.ts'

/** PRORATION_MODES are Paddle's ways to bill for changed items. */
export const PRORATION_MODES = [
  'prorated_immediately',
  'full_immediately',
  'prorated_next_billing_period',
  'full_next_billing_period',
  'do_not_bill'
] as const

/** ProrationMode is one of {@link PRORATION_MODES}. */
export type ProrationMode = (typeof PRORATION_MODES)[number]

/** Quote is what a change of items costs: what is charged, what comes back for the rest of the period, and when it is billed. */
export type Quote = {
  charges: Line[]
  creditMinor: number
  rate: string
  billed: 'now' | 'next' | 'never'
  period: Period | null
  /** restart is the new cycle where the change begins a new period at once. */
  restart: Cycle | null
}

/**
 * quote prices a change of items. A change that is billed now, to a price with another billing cycle, starts a new period
 * today that is charged in full; any other keeps the billing dates. Proration is to the minute (developer.paddle.com,
 * concepts/subscriptions/proration).
 */
export function quote(shop: Shop, subscription: Subscription, items: Item[], mode: ProrationMode): Quote {
  const period = subscription.current_billing_period
  if (mode === 'do_not_bill' || period === null) {
    return { charges: [], creditMinor: 0, rate: '0', billed: 'never', period, restart: null }
  }
  const billed = mode.endsWith('_immediately') ? 'now' : 'next'
  const prorated = mode.startsWith('prorated_')
  const cycle = cycleOf(items) ?? subscription.billing_cycle
  const restart = billed === 'now' && !sameCycle(cycle, subscription.billing_cycle) ? cycle : null
  const share = shareLeft(period, shop.nowMs())
  const removed = restart ? itemLines(subscription) : missingFrom(subscription.items, items)
  const added = restart ? itemLines({ items }) : missingFrom(items, subscription.items)
  const creditMinor = prorated ? proratedMinor(sumOf(removed), share) : 0
  if (restart) {
    const opened = periodOf({ anchorMs: shop.nowMs(), cycles: 0, billing_cycle: restart })
    return { charges: added, creditMinor, rate: share.toFixed(6), billed, period: opened, restart }
  }
  const rest = { starts_at: iso(shop.nowMs()), ends_at: period.ends_at }
  const rate = prorated ? share : 1
  const charges = added.map((line) => ({
    ...line,
    amountMinor: proratedMinor(line.amountMinor, rate),
    proration: prorated ? { rate: share.toFixed(6), billing_period: rest } : null
  }))
  return { charges, creditMinor, rate: share.toFixed(6), billed, period: rest, restart }
}

/** settle spreads a quote's credit and the customer's balance over the charges: what is used now, and what is left. */
export function settle({ charges, creditMinor }: Quote, balanceMinor: number) {
  const usedMinor = Math.min(sumOf(charges), creditMinor + balanceMinor)
  return { usedMinor, toPayMinor: sumOf(charges) - usedMinor, balanceMinor: balanceMinor + creditMinor - usedMinor }
}

function shareLeft(period: Period, nowMs: number): number {
  const minutes = (fromMs: number, toMs: number) => Math.max(0, Math.floor((toMs - fromMs) / 60_000))
  const end = millis(period.ends_at)
  return minutes(nowMs, end) / Math.max(1, minutes(millis(period.starts_at), end))
}

/** missingFrom bills the recurring items of `some` that are not among `others` in the same quantity. */
function missingFrom(some: Item[], others: Item[]): Line[] {
  const same = (item: Item) => others.some((other) => other.price_id === item.price_id && other.quantity === item.quantity)
  return some
    .filter((item) => !same(item))
    .filter(({ price }) => price.billing_cycle !== null)
    .map(({ price, quantity }) => fullLine(price, quantity))
}
