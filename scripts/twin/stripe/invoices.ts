import { changeCustomer } from './customer-change.ts'
import { invalid } from './fault.ts'
import { accepts, chargeCard, LAST4, makePaymentIntent } from './payments.ts'
import { renderInvoice, renderInvoicePayment } from './render-invoice.ts'
import { renderPaymentIntent } from './render-payment.ts'
import { emit, find, now, updating } from './shop.ts'
import type { Shop } from './shop.ts'
import type { CustomerRecord, InvoiceRecord, LineRecord, SubscriptionRecord } from './state.ts'

/** draftInvoice is an invoice that nobody has been told of; `createInvoice` keeps it, a preview does not. */
export function draftInvoice(
  shop: Shop,
  one: SubscriptionRecord,
  wish: {
    reason: InvoiceRecord['billingReason']
    lines: LineRecord[]
    periodStart: number
    periodEnd: number
    finalizesAt: number | null
  }
): InvoiceRecord {
  const customer = find(shop.state.customers, 'customer', one.customerId)
  const total = wish.lines.reduce((sum, line) => sum + line.amount, 0)
  return {
    id: shop.world.id('in_'),
    customerId: customer.id,
    subscriptionId: one.id,
    subscriptionMetadata: { ...one.metadata },
    status: 'draft',
    billingReason: wish.reason,
    lines: wish.lines,
    currency: one.currency,
    number: null,
    total,
    startingBalance: customer.balance,
    endingBalance: null,
    amountDue: Math.max(0, total + customer.balance),
    amountPaid: 0,
    attemptCount: 0,
    attempted: false,
    autoAdvance: wish.finalizesAt !== null,
    finalizesAt: wish.finalizesAt,
    nextAttempt: null,
    periodStart: wish.periodStart,
    periodEnd: wish.periodEnd,
    created: now(shop),
    finalizedAt: null,
    paidAt: null,
    voidedAt: null,
    paymentIntentId: null,
    invoicePaymentId: null,
    metadata: {}
  }
}

/** createInvoice makes a draft that takes up what was left to be billed, and makes it the subscription's latest. */
export function createInvoice(shop: Shop, one: SubscriptionRecord, wish: Parameters<typeof draftInvoice>[2]): InvoiceRecord {
  const invoice = draftInvoice(shop, one, { ...wish, lines: [...one.pendingLines, ...wish.lines] })
  shop.state.invoices[invoice.id] = invoice
  shop.unsettled.add(invoice.id)
  one.pendingLines = []
  one.latestInvoiceId = invoice.id
  tellInvoice(shop, 'invoice.created', invoice)
  return invoice
}

/** tellInvoice sends an event about an invoice as it is now. */
export function tellInvoice(shop: Shop, type: string, invoice: InvoiceRecord): void {
  emit(shop, type, renderInvoice(shop.state, invoice, shop.origin))
}

/** finalizeInvoice fixes what is due: credit of the customer is used up, or grows where the invoice is below zero. */
export function finalizeInvoice(shop: Shop, invoice: InvoiceRecord): void {
  if (invoice.status !== 'draft')
    throw invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.", 'id', 'invoice_not_editable')
  const customer = find(shop.state.customers, 'customer', invoice.customerId)
  const sum = invoice.total + customer.balance
  invoice.status = 'open'
  invoice.startingBalance = customer.balance
  invoice.amountDue = Math.max(0, sum)
  invoice.endingBalance = Math.min(0, sum)
  invoice.number = `${customer.invoicePrefix}-${String(customer.nextInvoiceNumber).padStart(4, '0')}`
  invoice.finalizedAt = now(shop)
  invoice.finalizesAt = null
  changeCustomer(shop, customer, () => {
    customer.nextInvoiceNumber += 1
    customer.balance = Math.min(0, sum)
    customer.currency = invoice.currency
  })
  if (invoice.amountDue > 0) {
    const description = invoice.billingReason === 'subscription_create' ? 'Subscription creation' : 'Subscription update'
    const { customerId, id: invoiceId, amountDue: amount, currency } = invoice
    invoice.paymentIntentId = makePaymentIntent(shop, { customerId, invoiceId, amount, currency, description }).id
    invoice.invoicePaymentId = shop.world.id('inpay_')
  }
  tellInvoice(shop, 'invoice.finalized', invoice)
}

/** attemptPayment tries once to be paid for an open invoice and says whether it was. `nextAttempt`: when to try again if not. */
export function attemptPayment(
  shop: Shop,
  invoice: InvoiceRecord,
  attempt: { atCheckout: boolean; nextAttempt: (attemptCount: number) => number | null }
): boolean {
  const customer = find(shop.state.customers, 'customer', invoice.customerId)
  const paid = invoice.amountDue === 0 || accepts(customer, attempt.atCheckout)
  const intent =
    invoice.paymentIntentId === null ? null : find(shop.state.paymentIntents, 'payment_intent', invoice.paymentIntentId)
  if (intent) chargeCard(shop, intent, cardOf(shop, customer), paid)
  updating(
    shop,
    'invoice.updated',
    () => renderInvoice(shop.state, invoice, shop.origin),
    () => {
      invoice.attempted = true
      if (intent) invoice.attemptCount += 1
      invoice.nextAttempt = paid ? null : attempt.nextAttempt(invoice.attemptCount)
      invoice.autoAdvance = invoice.nextAttempt !== null
      if (!paid) return
      invoice.status = 'paid'
      invoice.amountPaid = invoice.amountDue
      invoice.paidAt = now(shop)
    }
  )
  changeCustomer(shop, customer, () => {
    customer.delinquent = !paid
  })
  if (!paid) {
    tellInvoice(shop, 'invoice.payment_failed', invoice)
    return false
  }
  tellInvoice(shop, 'invoice.paid', invoice)
  tellInvoice(shop, 'invoice.payment_succeeded', invoice)
  const payment = renderInvoicePayment(invoice)
  if (payment) emit(shop, 'invoice_payment.paid', payment)
  return true
}

function cardOf(shop: Shop, customer: CustomerRecord) {
  const paymentMethodId = customer.paymentMethodId ?? shop.world.id('pm_')
  return { paymentMethodId, last4: customer.card ? LAST4[customer.card] : '0000', email: customer.email }
}

/** voidInvoice takes back an invoice that was never paid. */
export function voidInvoice(shop: Shop, invoice: InvoiceRecord): void {
  invoice.status = 'void'
  invoice.voidedAt = now(shop)
  invoice.autoAdvance = false
  invoice.nextAttempt = null
  invoice.finalizesAt = null
  const intent = invoice.paymentIntentId === null ? undefined : shop.state.paymentIntents[invoice.paymentIntentId]
  if (intent && intent.status !== 'succeeded') {
    intent.status = 'canceled'
    intent.canceledAt = now(shop)
    emit(shop, 'payment_intent.canceled', renderPaymentIntent(intent))
  }
  tellInvoice(shop, 'invoice.voided', invoice)
}
