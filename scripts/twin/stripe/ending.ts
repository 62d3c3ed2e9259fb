import { voidInvoice } from './invoices.ts'
import { renderSchedule } from './render-subscription.ts'
import { emit, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { tellSubscription } from './subscriptions.ts'
import type { SubscriptionRecord } from './state.ts'

/**
 * endSubscription cancels a subscription now, for good. Nothing is paid back; what is billed and open stays owed but is
 * not tried again, and drafts are not sent (docs.stripe.com/billing/subscriptions/cancel).
 */
export function endSubscription(shop: Shop, one: SubscriptionRecord, reason: 'cancellation_requested' | 'payment_failed'): void {
  one.status = 'canceled'
  // An end that was planned for later is not what happened.
  if (now(shop) < one.periodEnd) one.cancelAtPeriodEnd = false
  if (one.cancelAt !== null && now(shop) < one.cancelAt) one.cancelAt = null
  one.canceledAt ??= now(shop)
  one.endedAt = now(shop)
  one.cancelReason ??= reason
  one.pausedAt = null
  one.pendingLines = []
  for (const invoice of Object.values(shop.state.invoices)) {
    if (invoice.subscriptionId !== one.id) continue
    if (invoice.id === one.pendingUpdate?.invoiceId && invoice.status === 'open') voidInvoice(shop, invoice)
    invoice.autoAdvance = false
    invoice.nextAttempt = null
    invoice.finalizesAt = null
  }
  one.pendingUpdate = null
  const schedule = one.scheduleId === null ? undefined : shop.state.schedules[one.scheduleId]
  one.scheduleId = null
  tellSubscription(shop, 'customer.subscription.deleted', one)
  if (!schedule) return
  schedule.status = 'canceled'
  schedule.canceledAt = now(shop)
  emit(shop, 'subscription_schedule.canceled', renderSchedule(shop.state, schedule, now(shop)))
}
