import { addPeriods, boundaryAfter } from './calendar.ts'
import { billNow } from './collection.ts'
import { declined, invalid } from './fault.ts'
import { createInvoice } from './invoices.ts'
import { proratedLine, wholeLine } from './lines.ts'
import { accepts } from './payments.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { changeSubscription, recurrenceOf, tellSubscription } from './subscriptions.ts'
import type { SubscriptionRecord } from './state.ts'

/** pauseSubscription stops periods and invoices until it is resumed; the unused time is credited to the next invoice. */
export function pauseSubscription(shop: Shop, one: SubscriptionRecord, wish: { credit: boolean; invoiceNow: boolean }): void {
  if (one.scheduleId !== null) throw invalid('You cannot pause a subscription that is attached to a schedule.')
  if (!['active', 'past_due', 'trialing', 'unpaid'].includes(one.status))
    throw invalid(`You cannot pause a subscription that is ${one.status}.`)
  const credits =
    wish.credit && one.status === 'active' ? one.items.map((item) => proratedLine(shop, one, item, now(shop), 'unused')) : []
  changeSubscription(shop, one, () => {
    one.status = 'paused'
    one.pausedAt = now(shop)
    one.pendingLines.push(...credits)
  })
  tellSubscription(shop, 'customer.subscription.paused', one)
  if (wish.invoiceNow && one.pendingLines.length > 0) {
    const invoice = createInvoice(shop, one, {
      reason: 'subscription_update',
      lines: [],
      periodStart: now(shop),
      periodEnd: now(shop),
      finalizesAt: null
    })
    billNow(shop, invoice)
  }
}

/**
 * resumeSubscription starts a paused subscription again: with a new period from now that is billed at once, or in the old
 * cycle. A period that is still running in the old cycle is not billed a second time but for its rest.
 */
export function resumeSubscription(
  shop: Shop,
  one: SubscriptionRecord,
  wish: { restart: boolean; prorate: boolean; onSuccess: boolean }
): void {
  if (one.status !== 'paused') throw invalid(`Only a paused subscription can be resumed; this one is ${one.status}.`)
  const customer = find(shop.state.customers, 'customer', one.customerId)
  const at = now(shop)
  const recurrence = recurrenceOf(shop.state, one.items)
  let { periodStart: start, periodEnd: end } = one
  if (wish.restart) [start, end] = [at, addPeriods(at, recurrence, 1)]
  while (end <= at) [start, end] = [end, boundaryAfter(one.anchor, recurrence, end)]
  const resumed = { ...one, periodStart: start, periodEnd: end }
  const lines = wish.restart
    ? one.items.map((item) => wholeLine(shop, one, item, { start, end }))
    : wish.prorate
      ? one.items.map((item) => proratedLine(shop, resumed, item, at, 'remaining'))
      : []
  const owed = [...one.pendingLines, ...lines].reduce((sum, line) => sum + line.amount, customer.balance)
  if (wish.onSuccess && owed > 0 && !accepts(customer)) throw declined()
  const invoice = changeSubscription(shop, one, () => {
    one.status = 'active'
    one.pausedAt = null
    one.periodStart = start
    one.periodEnd = end
    if (wish.restart) one.anchor = at
    if (lines.length + one.pendingLines.length === 0) return null
    return createInvoice(shop, one, { reason: 'subscription_update', lines, periodStart: at, periodEnd: at, finalizesAt: null })
  })
  tellSubscription(shop, 'customer.subscription.resumed', one)
  if (invoice) billNow(shop, invoice)
}
