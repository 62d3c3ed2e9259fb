import { addPeriods, HOUR } from './calendar.ts'
import { billNow } from './collection.ts'
import { declined, invalid } from './fault.ts'
import { createInvoice, draftInvoice } from './invoices.ts'
import { proratedLine, wholeLine } from './lines.ts'
import { accepts } from './payments.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { changeSubscription, recurrenceOf } from './subscriptions.ts'
import type { InvoiceRecord, ItemRecord, LineRecord, SubscriptionRecord } from './state.ts'

/** Proration and PaymentBehavior are Stripe's parameters of these names; `default_incomplete` is not spoken here. */
export type Proration = 'create_prorations' | 'always_invoice' | 'none'
export type PaymentBehavior = 'allow_incomplete' | 'error_if_incomplete' | 'pending_if_incomplete'

/** Stripe keeps a change whose payment is missing for 23 hours (docs.stripe.com/billing/subscriptions/pending-updates). */
const PENDING_SECONDS = 23 * HOUR

/** Plan is what a change would bring: its lines, and the new period where a new cycle begins. */
export type Plan = { items: ItemRecord[]; lines: LineRecord[]; period: { start: number; end: number } | null; at: number }

/**
 * planChange works out what other items cost, without changing anything. Within one interval the rest of the period is
 * prorated; another interval, or `restart`, gives a new period from `at` that is billed whole.
 */
export function planChange(
  shop: Shop,
  one: SubscriptionRecord,
  items: ItemRecord[],
  wish: { proration: Proration; at: number; restart: boolean }
): Plan {
  const { at, proration } = wish
  const before = recurrenceOf(shop.state, one.items)
  const after = recurrenceOf(shop.state, items)
  if (one.status === 'trialing' || one.status === 'paused') return { items, lines: [], period: null, at }
  const restart = wish.restart || before.interval !== after.interval || before.intervalCount !== after.intervalCount
  const changed = (item: ItemRecord, others: ItemRecord[]): boolean =>
    restart ||
    !others.some(({ id, priceId, quantity }) => id === item.id && priceId === item.priceId && quantity === item.quantity)
  const unused = one.items.filter((item) => changed(item, items)).map((item) => proratedLine(shop, one, item, at, 'unused'))
  const credits = proration === 'none' ? [] : unused
  if (restart) {
    const period = { start: at, end: addPeriods(at, after, 1) }
    return { items, lines: [...credits, ...items.map((item) => wholeLine(shop, { ...one, items }, item, period))], period, at }
  }
  const debits = items.filter((item) => changed(item, one.items)).map((item) => proratedLine(shop, one, item, at, 'remaining'))
  return { items, lines: proration === 'none' ? [] : [...credits, ...debits], period: null, at }
}

/**
 * applyChange carries a plan out. With `error_if_incomplete` a declined card throws and nothing has changed; with
 * `pending_if_incomplete` the change waits for its invoice; with `allow_incomplete` it stands and the bill is past due.
 */
export function applyChange(
  shop: Shop,
  one: SubscriptionRecord,
  plan: Plan,
  how: { proration: Proration; payment: PaymentBehavior }
): void {
  const billed = plan.period !== null || (how.proration === 'always_invoice' && plan.lines.length > 0)
  if (!billed) {
    changeSubscription(shop, one, () => {
      one.items = plan.items
      one.pendingLines.push(...plan.lines)
    })
    return
  }
  const customer = find(shop.state.customers, 'customer', one.customerId)
  const owed = [...one.pendingLines, ...plan.lines].reduce((sum, line) => sum + line.amount, customer.balance)
  const fails = owed > 0 && !accepts(customer)
  if (fails && how.payment === 'error_if_incomplete') throw declined()
  if (fails && how.payment === 'pending_if_incomplete') {
    if (plan.period) throw invalid('Changes that start a new billing period cannot be pending at the twin.', 'payment_behavior')
    waitForPayment(shop, one, plan)
    return
  }
  billNow(shop, changeItems(shop, one, plan))
}

function changeItems(shop: Shop, one: SubscriptionRecord, plan: Plan): InvoiceRecord {
  return changeSubscription(shop, one, () => {
    one.items = plan.items
    if (plan.period) {
      one.anchor = plan.period.start
      one.periodStart = plan.period.start
      one.periodEnd = plan.period.end
    }
    return createInvoice(shop, one, billOf(shop, plan))
  })
}

function waitForPayment(shop: Shop, one: SubscriptionRecord, plan: Plan): void {
  const invoice = changeSubscription(shop, one, () => {
    const made = createInvoice(shop, one, billOf(shop, plan))
    one.pendingUpdate = { items: plan.items, invoiceId: made.id, expiresAt: now(shop) + PENDING_SECONDS }
    return made
  })
  billNow(shop, invoice)
}

function billOf(shop: Shop, plan: Plan): Parameters<typeof createInvoice>[2] {
  return { reason: 'subscription_update', lines: plan.lines, periodStart: now(shop), periodEnd: now(shop), finalizesAt: null }
}

/** previewOf is the invoice that a plan would bring: at once, or, with `create_prorations`, at the end of the period. */
export function previewOf(shop: Shop, one: SubscriptionRecord, plan: Plan, proration: Proration): InvoiceRecord {
  const atOnce = plan.period !== null || proration === 'always_invoice'
  const period = { start: one.periodEnd, end: addPeriods(one.periodEnd, recurrenceOf(shop.state, plan.items), 1) }
  const next = plan.items.map((item) => wholeLine(shop, one, item, period))
  const lines = [...one.pendingLines, ...plan.lines, ...(atOnce ? [] : next)]
  const made = draftInvoice(shop, one, { ...billOf(shop, plan), reason: atOnce ? 'subscription_update' : 'upcoming', lines })
  return { ...made, id: `upcoming_${made.id}`, created: plan.at }
}
