import type { Json, JsonObject } from './shop.ts'
import type { State } from './state.ts'

/**
 * olderShape words an object of the current API as an endpoint of version 2024-06-20 would get it: periods on the
 * subscription, `invoice.subscription`, prices on the lines, the invoice on charges and payment intents
 * (docs.stripe.com/changelog, 2025-03-31.basil).
 */
export function olderShape(state: State, object: JsonObject): JsonObject {
  switch (object.object) {
    case 'subscription':
      return olderSubscription(object)
    case 'invoice':
      return olderInvoice(state, object)
    case 'charge':
      return { ...object, invoice: invoiceOf(state, text(object.payment_intent)) }
    case 'payment_intent':
      return { ...object, invoice: invoiceOf(state, text(object.id)) }
    default:
      return object
  }
}

function olderSubscription(object: JsonObject): JsonObject {
  const items = entries(object.items)
  const first = items[0] ?? {}
  const {
    billing_mode: _mode,
    billing_schedules: _schedules,
    managed_payments: _managed,
    status_details: _details,
    ...rest
  } = object
  const older = items.map((one) => {
    const { current_period_start: _start, current_period_end: _end, current_trial: _trial, ...kept } = one
    return kept
  })
  return {
    ...rest,
    current_period_start: first.current_period_start ?? null,
    current_period_end: first.current_period_end ?? null,
    plan: first.plan ?? null,
    quantity: first.quantity ?? null,
    items: { ...record(object.items), data: older, total_count: older.length }
  }
}

function olderInvoice(state: State, object: JsonObject): JsonObject {
  const { parent, amount_overpaid: _overpaid, total_taxes: _taxes, ...rest } = object
  const details = record(record(parent).subscription_details)
  const kept = state.invoices[text(object.id)]
  const intent = kept?.paymentIntentId ? state.paymentIntents[kept.paymentIntentId] : undefined
  const lines = entries(object.lines).map((line) => olderLine(state, line))
  return {
    ...rest,
    subscription: details.subscription ?? null,
    subscription_details: { metadata: details.metadata ?? null },
    paid: object.status === 'paid',
    paid_out_of_band: false,
    payment_intent: intent?.id ?? null,
    charge: intent?.latestChargeId ?? null,
    quote: null,
    tax: null,
    total_tax_amounts: [],
    lines: { ...record(object.lines), data: lines, total_count: lines.length }
  }
}

function olderLine(state: State, line: JsonObject): JsonObject {
  const { parent, pricing, taxes: _taxes, quantity_decimal: _decimal, ...rest } = line
  const details = record(record(parent).subscription_item_details)
  const price = state.prices[text(record(record(pricing).price_details).price)]
  const recurring = { interval: price?.interval ?? null, interval_count: price?.intervalCount ?? null, usage_type: 'licensed' }
  const shared = {
    id: price?.id ?? null,
    active: price?.active ?? null,
    currency: price?.currency ?? null,
    product: price?.productId ?? null
  }
  return {
    ...rest,
    type: details.proration === true ? 'invoiceitem' : 'subscription',
    proration: details.proration ?? false,
    subscription_item: details.subscription_item ?? null,
    tax_amounts: [],
    tax_rates: [],
    price: { ...shared, object: 'price', type: 'recurring', recurring, unit_amount: price?.amount ?? null },
    plan: { ...shared, object: 'plan', ...recurring, amount: price?.amount ?? null }
  }
}

function invoiceOf(state: State, paymentIntentId: string): Json {
  return state.paymentIntents[paymentIntentId]?.invoiceId ?? null
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function record(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

function entries(list: Json | undefined): JsonObject[] {
  const { data } = record(list)
  return Array.isArray(data) ? data.map(record) : []
}
