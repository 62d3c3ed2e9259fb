import { type Context, found, newId, nowSeconds } from './context.ts'
import type { Payment } from './money.ts'
import type { SubscriptionRecord } from './state.ts'

/** makePayment records one payment with the subscription's card, which is one from outside India: see update.ts. */
export function makePayment(
  context: Context,
  record: SubscriptionRecord,
  facts: {
    amount: number
    currency: string
    status: Payment['status']
    orderId: string | null
    invoiceId: string | null
    description: string
  }
): Payment {
  const failed = facts.status === 'failed'
  const cardId = newId(context, 'card_')
  const customer = record.entity.customer_id === null ? null : found(context.state.customers, record.entity.customer_id)
  const payment: Payment = {
    id: newId(context, 'pay_'),
    entity: 'payment',
    amount: facts.amount,
    currency: facts.currency,
    base_amount: facts.amount,
    status: facts.status,
    order_id: facts.orderId,
    invoice_id: facts.invoiceId,
    international: true,
    method: 'card',
    amount_refunded: facts.status === 'refunded' ? facts.amount : 0,
    amount_transferred: 0,
    refund_status: facts.status === 'refunded' ? 'full' : null,
    captured: facts.status === 'captured' || facts.status === 'refunded',
    description: facts.description,
    card_id: cardId,
    card: {
      id: cardId,
      entity: 'card',
      name: 'Twin Buyer',
      last4: { good: '4242', declined: '0002', declined_later: '0341' }[record.card ?? 'good'],
      network: 'Visa',
      type: 'credit',
      issuer: null,
      international: true,
      emi: false,
      expiry_month: 12,
      expiry_year: 2099
    },
    bank: null,
    wallet: null,
    vpa: null,
    email: customer?.email ?? 'buyer@example.com',
    contact: customer?.contact ?? '+10000000000',
    customer_id: record.entity.customer_id,
    token_id: null,
    notes: [],
    fee: failed ? null : Math.round(facts.amount * 0.03),
    tax: failed ? null : 0,
    error_code: failed ? 'BAD_REQUEST_ERROR' : null,
    error_description: failed ? 'Your payment was declined by the bank. Try another card or contact your bank.' : null,
    error_source: failed ? 'issuer_bank' : null,
    error_step: failed ? 'payment_authorization' : null,
    error_reason: failed ? 'payment_failed' : null,
    acquirer_data: { auth_code: failed ? null : String(Math.floor(context.world.random() * 900_000) + 100_000) },
    created_at: nowSeconds(context)
  }
  context.state.payments[payment.id] = payment
  return payment
}
