import type { Shop } from '../shop.ts'
import type { Transaction } from '../state/transaction.ts'
import { adjustmentEntity } from './adjustment.ts'
import { detailsOf } from './details.ts'

/** checkoutUrl is the page on which a transaction is paid. */
export function checkoutUrl(shop: Shop, transactionId: string): string {
  return `${shop.origin}/checkout?_ptxn=${encodeURIComponent(transactionId)}`
}

/** transactionEntity is a transaction as Paddle's notifications carry it. */
export function transactionEntity(shop: Shop, transaction: Transaction) {
  const { id, status, origin, customer_id, address_id, subscription_id, custom_data, currency_code } = transaction
  return {
    id,
    status,
    customer_id,
    address_id,
    business_id: null,
    custom_data,
    currency_code,
    origin,
    subscription_id,
    invoice_id: transaction.invoice_number && `inv_${id.slice(4)}`,
    invoice_number: transaction.invoice_number,
    collection_mode: 'automatic',
    discount_id: null,
    billing_details: null,
    billing_period: transaction.billing_period,
    items: transaction.lines.map((line) => ({
      price_id: line.price_id,
      price: shop.price(line.price_id),
      quantity: line.quantity,
      proration: line.proration
    })),
    details: detailsOf(shop, transaction),
    payments: transaction.payments.map(paymentAttempt),
    checkout: { url: checkoutUrl(shop, id) },
    created_at: transaction.created_at,
    updated_at: transaction.updated_at,
    billed_at: transaction.billed_at,
    revised_at: null
  }
}

/** transactionAnswer is a transaction as the API answers it: the entity and what was asked to be included. */
export function transactionAnswer(shop: Shop, transaction: Transaction, include: string[]) {
  const customer = transaction.customer_id === null ? null : shop.customer(transaction.customer_id)
  const address = transaction.address_id === null ? null : shop.state.addresses[transaction.address_id]
  const adjustments = Object.values(shop.state.adjustments).filter((one) => one.transaction_id === transaction.id)
  return {
    ...transactionEntity(shop, transaction),
    ...(include.includes('customer') && { customer }),
    ...(include.includes('address') && { address }),
    ...(include.some((name) => name.startsWith('adjustment')) && { adjustments: adjustments.map(adjustmentEntity) })
  }
}

function paymentAttempt({ last4, ...attempt }: Transaction['payments'][number]) {
  return {
    ...attempt,
    payment_method_id: `paymtd_${attempt.stored_payment_method_id.replaceAll('-', '').slice(0, 26)}`,
    method_details: {
      type: 'card',
      card: { type: 'visa', last4, expiry_month: 12, expiry_year: 2099, cardholder_name: 'Twin Buyer' },
      paypal: null,
      south_korea_local_card: null,
      underlying_details: null
    }
  }
}
