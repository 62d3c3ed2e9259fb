import { HOUR } from './calendar.ts'
import { collect } from './collection.ts'
import { endSubscription } from './ending.ts'
import { createInvoice, finalizeInvoice, voidInvoice } from './invoices.ts'
import { wholeLine } from './lines.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { cancelsWith, enterPhase, scheduleOf } from './schedules.ts'
import { changeSubscription, nextPeriod } from './subscriptions.ts'
import type { InvoiceRecord, SubscriptionRecord } from './state.ts'

/**
 * beginPeriod is what happens at the end of a period: the subscription ends if that was planned; else the next period
 * begins at once, and is billed by a draft that is finalized and charged an hour later.
 */
export function beginPeriod(shop: Shop, one: SubscriptionRecord): void {
  if (one.cancelAtPeriodEnd || (one.cancelAt !== null && one.cancelAt <= one.periodEnd)) {
    endSubscription(shop, one, 'cancellation_requested')
    return
  }
  const schedule = scheduleOf(shop, one)
  if (schedule && cancelsWith(schedule, one.periodEnd)) {
    endSubscription(shop, one, 'cancellation_requested')
    return
  }
  const before = { start: one.periodStart, end: one.periodEnd }
  changeSubscription(shop, one, () => {
    if (schedule) enterPhase(shop, one, schedule, one.periodEnd)
    if (one.status === 'trialing') one.status = 'active'
    const period = nextPeriod(shop.state, one)
    one.periodStart = period.start
    one.periodEnd = period.end
    const lines = one.items.map((item) => wholeLine(shop, one, item, period))
    const held = one.status === 'unpaid' || one.pauseCollection?.behavior === 'keep_as_draft'
    const finalizesAt = held ? null : now(shop) + HOUR
    createInvoice(shop, one, {
      reason: 'subscription_cycle',
      lines,
      periodStart: before.start,
      periodEnd: before.end,
      finalizesAt
    })
  })
}

/** sendDraft is what happens to a draft when its hour is over. */
export function sendDraft(shop: Shop, invoice: InvoiceRecord): void {
  const one = find(shop.state.subscriptions, 'subscription', invoice.subscriptionId)
  finalizeInvoice(shop, invoice)
  if (one.pauseCollection) voidInvoice(shop, invoice)
  else collect(shop, invoice)
}
