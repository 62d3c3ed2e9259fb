import { readMinor, sumOf } from './money.ts'
import type { Shop } from './shop.ts'
import type { Cycle, Price } from './state/catalog.ts'
import type { Subscription } from './state/subscription.ts'
import type { Line, Period } from './state/transaction.ts'
import { addCycles, iso, millis } from './time.ts'

/** fullLine bills a price in full. It gets its id when it is billed. */
export function fullLine(price: Price, quantity: number): Line {
  return { id: '', price_id: price.id, quantity, amountMinor: readMinor(price.unit_price.amount) * quantity, proration: null }
}

/** itemLines bills every recurring item of a subscription in full. */
export function itemLines(subscription: Pick<Subscription, 'items'>): Line[] {
  return subscription.items
    .filter(({ price }) => price.billing_cycle !== null)
    .map(({ price, quantity }) => fullLine(price, quantity))
}

/** Schedule is where a subscription stands: period number `cycles` since the anchor. */
export type Schedule = Pick<Subscription, 'anchorMs' | 'cycles' | 'billing_cycle'>

/** periodOf is the period of a {@link Schedule}. */
export function periodOf({ anchorMs, cycles, billing_cycle }: Schedule): Period {
  const startOf = (count: number) => iso(addCycles(anchorMs, billing_cycle, count))
  return { starts_at: startOf(cycles), ends_at: startOf(cycles + 1) }
}

/** startPeriods lets a subscription's periods count from `anchorMs` on, opens the first of them and returns it. */
export function startPeriods(subscription: Subscription, anchorMs: number, cycle: Cycle): Period {
  Object.assign(subscription, { anchorMs, cycles: 0, billing_cycle: cycle })
  const period = periodOf(subscription)
  subscription.current_billing_period = period
  subscription.first_billed_at ??= period.starts_at
  for (const item of subscription.items) item.previously_billed_at = period.starts_at
  return period
}

/** cycleOf is how often items are billed: as the first recurring of them is. */
export function cycleOf(items: Subscription['items']): Cycle | null {
  return items.map(({ price }) => price.billing_cycle).find((cycle) => cycle !== null) ?? null
}

/** sameCycle says whether two cycles are equally long. */
export function sameCycle(one: Cycle, other: Cycle): boolean {
  return one.interval === other.interval && one.frequency === other.frequency
}

/** DraftRenewal is what the next renewal will bill, and the schedule it opens. */
export type DraftRenewal = { schedule: Schedule; period: Period; lines: Line[]; creditMinor: number; currency_code: string }

/**
 * draftRenewal is the items for a whole period, and what is pending, less the customer's credit. Items whose cycle was
 * changed without billing begin their new cycle where the old period ends.
 */
export function draftRenewal(shop: Shop, subscription: Subscription): DraftRenewal {
  const cycle = cycleOf(subscription.items) ?? subscription.billing_cycle
  const end = subscription.current_billing_period?.ends_at
  const schedule =
    sameCycle(cycle, subscription.billing_cycle) || end === undefined
      ? { anchorMs: subscription.anchorMs, cycles: subscription.cycles + 1, billing_cycle: cycle }
      : { anchorMs: millis(end), cycles: 0, billing_cycle: cycle }
  const lines = [...itemLines(subscription), ...subscription.pending]
  const creditMinor = Math.min(shop.wallet(subscription.customer_id).creditMinor, sumOf(lines))
  return { schedule, period: periodOf(schedule), lines, creditMinor, currency_code: subscription.currency_code }
}
