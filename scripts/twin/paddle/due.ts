import { approve } from './adjustments.ts'
import { pastDueBills, retry, retryAtMs } from './dunning.ts'
import { runScheduledChange } from './lifecycle.ts'
import { renew } from './renewal.ts'
import type { Shop } from './shop.ts'
import { millis } from './time.ts'

type Due = { atMs: number; run: () => void }

/**
 * nextDue is the earliest thing that happens by itself. A planned change comes before the renewal of the same instant.
 * A past due subscription is not renewed until its debt is paid; then what is overdue follows at once.
 */
function nextDue(shop: Shop): Due | null {
  let next: Due | null = null
  const offer = (atMs: number, run: () => void) => {
    if (next === null || atMs < next.atMs) next = { atMs, run }
  }
  for (const subscription of Object.values(shop.state.subscriptions)) {
    if (subscription.status === 'canceled') continue
    const { scheduled_change: change, current_billing_period: period, status } = subscription
    if (change) offer(millis(change.effective_at), () => runScheduledChange(shop, subscription))
    if (period && (status === 'active' || status === 'trialing')) offer(millis(period.ends_at), () => renew(shop, subscription))
    for (const bill of pastDueBills(shop, subscription)) offer(retryAtMs(bill), () => retry(shop, subscription, bill))
  }
  for (const adjustment of Object.values(shop.state.adjustments)) {
    if (adjustment.approveAtMs !== null) offer(adjustment.approveAtMs, () => approve(shop, adjustment))
  }
  return next
}

/** nextDueMs is when the next thing happens by itself, in Unix milliseconds, or null. */
export function nextDueMs(shop: Shop): number | null {
  return nextDue(shop)?.atMs ?? null
}

/** runDue does what is due at or before `untilMs`, each thing at its own time, so that a jump does what steps would do. */
export function runDue(shop: Shop, untilMs: number): void {
  for (let due = nextDue(shop); due !== null && due.atMs <= untilMs; due = nextDue(shop)) shop.act(due.run, due.atMs)
}
