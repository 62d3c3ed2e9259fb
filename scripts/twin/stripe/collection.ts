import { DAY } from './calendar.ts'
import { endSubscription } from './ending.ts'
import { attemptPayment, finalizeInvoice } from './invoices.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { changeSubscription, tellSubscription } from './subscriptions.ts'
import type { InvoiceRecord, SubscriptionRecord } from './state.ts'

/** RETRY_DAYS are the pauses between the attempts to collect an invoice; after the last one Stripe gives up. */
export const RETRY_DAYS = [3, 5, 7]

/** billNow finalizes a draft and charges it, and says whether it was paid. */
export function billNow(shop: Shop, invoice: InvoiceRecord, atCheckout = false): boolean {
  finalizeInvoice(shop, invoice)
  return collect(shop, invoice, atCheckout)
}

/** collect tries to be paid for an open invoice, and draws the consequences for its subscription. */
export function collect(shop: Shop, invoice: InvoiceRecord, atCheckout = false): boolean {
  const one = find(shop.state.subscriptions, 'subscription', invoice.subscriptionId)
  const waiting = one.pendingUpdate?.invoiceId === invoice.id
  const retries = !waiting && one.status !== 'canceled'
  const nextAttempt = (count: number): number | null => {
    const days = retries ? RETRY_DAYS[count - 1] : undefined
    return days === undefined ? null : now(shop) + days * DAY
  }
  const paid = attemptPayment(shop, invoice, { atCheckout, nextAttempt })
  if (paid) afterPayment(shop, one, waiting)
  else if (retries) afterFailure(shop, one, invoice)
  return paid
}

function afterPayment(shop: Shop, one: SubscriptionRecord, waiting: boolean): void {
  const pending = one.pendingUpdate
  changeSubscription(shop, one, () => {
    if (waiting && pending) {
      one.items = pending.items
      one.pendingUpdate = null
    }
    if (['incomplete', 'past_due', 'unpaid'].includes(one.status) && !owes(shop, one)) one.status = 'active'
  })
  if (waiting) tellSubscription(shop, 'customer.subscription.pending_update_applied', one)
}

/** owes: another invoice of the subscription was tried and is still open. */
function owes(shop: Shop, one: SubscriptionRecord): boolean {
  return openInvoices(shop, one).some(({ id }) => id !== one.pendingUpdate?.invoiceId)
}

/** openInvoices are those of a subscription that were tried in vain, oldest first. */
export function openInvoices(shop: Shop, one: SubscriptionRecord): InvoiceRecord[] {
  return Object.values(shop.state.invoices).filter(
    (invoice) => invoice.subscriptionId === one.id && invoice.status === 'open' && invoice.attempted
  )
}

function afterFailure(shop: Shop, one: SubscriptionRecord, invoice: InvoiceRecord): void {
  const exhausted = invoice.nextAttempt === null && invoice.attemptCount > RETRY_DAYS.length
  if (exhausted && shop.afterRetries === 'cancel') {
    endSubscription(shop, one, 'payment_failed')
    return
  }
  changeSubscription(shop, one, () => {
    if (exhausted && shop.afterRetries === 'unpaid') one.status = 'unpaid'
    else if (one.status === 'active' || one.status === 'trialing') one.status = 'past_due'
  })
}
