import { type Context, found, nowSeconds } from './context.ts'
import type { Change } from './events.ts'
import type { Invoice, Order, Payment } from './money.ts'
import { makePayment } from './payment.ts'
import type { SubscriptionRecord } from './state.ts'

/** Charge is how an attempt ended. */
export type Charge = { paid: boolean; payment: Payment; order: Order; invoice: Invoice }

/** chargeInvoice tries the subscription's card on an invoice. `atCheckout`: the buyer is there; `declined_later` still pays. */
export function chargeInvoice(context: Context, record: SubscriptionRecord, invoice: Invoice, atCheckout: boolean): Charge {
  const order = found(context.state.orders, invoice.order_id)
  const paid = record.card === 'good' || (record.card === 'declined_later' && atCheckout)
  const payment = makePayment(context, record, {
    amount: invoice.amount,
    currency: invoice.currency,
    status: paid ? 'captured' : 'failed',
    orderId: order.id,
    invoiceId: invoice.id,
    description: 'Recurring Payment via Subscription'
  })
  order.attempts += 1
  order.status = paid ? 'paid' : 'attempted'
  if (paid) {
    order.amount_paid = order.amount
    order.amount_due = 0
    Object.assign(invoice, {
      status: 'paid',
      payment_id: payment.id,
      paid_at: nowSeconds(context),
      amount_paid: invoice.amount,
      amount_due: 0
    } satisfies Partial<Invoice>)
  }
  return { paid, payment, order, invoice }
}

/** tellCharge tells of an attempt what Razorpay tells besides the events of the subscription itself. */
export function tellCharge(change: Change, { paid, payment, order, invoice }: Charge): void {
  if (!paid) {
    change.tell('payment.failed', { payment })
    return
  }
  change.tell('payment.authorized', { payment: { ...payment, status: 'authorized', captured: false, fee: null, tax: null } })
  change.tell('payment.captured', { payment })
  change.tell('order.paid', { payment, order })
  change.tell('invoice.paid', { payment, order, invoice })
}
