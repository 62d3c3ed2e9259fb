import { renderList } from './render-catalog.ts'
import { find } from './shop.ts'
import type { JsonObject } from './shop.ts'
import type { InvoiceRecord, LineRecord, State } from './state.ts'

/** renderLine words one line of an invoice; a proration names the item it is about, as the line of a whole period does. */
export function renderLine(state: State, invoice: InvoiceRecord, line: LineRecord): JsonObject {
  const price = find(state.prices, 'price', line.priceId)
  return {
    id: line.id,
    object: 'line_item',
    amount: line.amount,
    currency: invoice.currency,
    description: line.description,
    discount_amounts: [],
    discountable: line.whole,
    discounts: [],
    invoice: invoice.id,
    livemode: false,
    metadata: line.metadata,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: !line.whole,
        proration_details: line.whole ? null : { credited_items: null },
        subscription: invoice.subscriptionId,
        subscription_item: line.itemId
      },
      type: 'subscription_item_details'
    },
    period: { end: line.periodEnd, start: line.periodStart },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: price.id, product: price.productId },
      type: 'price_details',
      unit_amount_decimal: String(line.whole ? price.amount : line.amount)
    },
    quantity: line.quantity,
    quantity_decimal: String(line.quantity),
    subscription: invoice.subscriptionId,
    subtotal: line.amount,
    taxes: []
  }
}

/** renderInvoice words an invoice as Stripe's API does. Its `period_start` is of the period before; the lines have their own. */
export function renderInvoice(state: State, one: InvoiceRecord, origin: string): JsonObject {
  const customer = find(state.customers, 'customer', one.customerId)
  const page = one.finalizedAt === null ? null : `${origin}/invoice/${one.id}`
  const remaining = one.status === 'paid' || one.status === 'void' ? 0 : one.amountDue
  return {
    id: one.id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Parley at the offline twin',
    account_tax_ids: null,
    amount_due: one.amountDue,
    amount_overpaid: 0,
    amount_paid: one.amountPaid,
    amount_remaining: remaining,
    amount_shipping: 0,
    application: null,
    attempt_count: one.attemptCount,
    attempted: one.attempted,
    auto_advance: one.autoAdvance,
    automatic_tax: { enabled: false, liability: null, status: null, disabled_reason: null, provider: null },
    automatically_finalizes_at: one.status === 'draft' ? one.finalizesAt : null,
    billing_reason: one.billingReason,
    collection_method: 'charge_automatically',
    created: one.created,
    currency: one.currency,
    custom_fields: null,
    customer: one.customerId,
    customer_account: null,
    customer_address: null,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone,
    customer_shipping: null,
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    due_date: null,
    effective_at: one.finalizedAt,
    ending_balance: one.endingBalance,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: page,
    invoice_pdf: page && `${page}/pdf`,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: renderList(
      `/v1/invoices/${one.id}/lines`,
      one.lines.map((line) => renderLine(state, one, line))
    ),
    livemode: false,
    metadata: one.metadata,
    next_payment_attempt: one.status === 'draft' ? one.finalizesAt : one.nextAttempt,
    number: one.number,
    on_behalf_of: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: one.subscriptionMetadata, subscription: one.subscriptionId },
      type: 'subscription_details'
    },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: one.periodEnd,
    period_start: one.periodStart,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: one.startingBalance,
    statement_descriptor: null,
    status: one.status,
    status_transitions: {
      finalized_at: one.finalizedAt,
      marked_uncollectible_at: null,
      paid_at: one.paidAt,
      voided_at: one.voidedAt
    },
    subtotal: one.total,
    subtotal_excluding_tax: one.total,
    test_clock: null,
    total: one.total,
    total_discount_amounts: [],
    total_excluding_tax: one.total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: one.finalizedAt
  }
}

/** renderInvoicePayment words the tie between an invoice and its payment intent; null before there is one. */
export function renderInvoicePayment(one: InvoiceRecord): JsonObject | null {
  if (one.paymentIntentId === null || one.invoicePaymentId === null) return null
  const canceled = one.status === 'void'
  return {
    id: one.invoicePaymentId,
    object: 'invoice_payment',
    amount_paid: one.status === 'paid' ? one.amountPaid : null,
    amount_requested: one.amountDue,
    created: one.finalizedAt ?? one.created,
    currency: one.currency,
    invoice: one.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: one.paymentIntentId, type: 'payment_intent' },
    status: one.status === 'paid' ? 'paid' : canceled ? 'canceled' : 'open',
    status_transitions: { canceled_at: canceled ? one.voidedAt : null, paid_at: one.paidAt }
  }
}
