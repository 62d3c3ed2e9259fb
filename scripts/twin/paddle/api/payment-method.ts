import { pastDueBills } from '../dunning.ts'
import type { Shop } from '../shop.ts'
import type { Subscription } from '../state/subscription.ts'
import type { Transaction } from '../state/transaction.ts'
import { tellTransaction } from '../telling.ts'
import { draftZero } from '../zero-bill.ts'

/**
 * cardChange is the transaction on whose page the buyer gives another card: the bill that is past due, or else a new one of
 * nothing (developer.paddle.com, build/subscriptions/update-payment-details).
 */
export function cardChange(shop: Shop, subscription: Subscription): Transaction {
  const owed = pastDueBills(shop, subscription).at(-1)
  if (owed) return owed
  const { period, ...bill } = draftZero(subscription)
  const now = shop.stamp()
  const transaction: Transaction = {
    ...bill,
    id: shop.id('txn'),
    status: 'ready',
    customer_id: subscription.customer_id,
    address_id: subscription.address_id,
    subscription_id: subscription.id,
    custom_data: subscription.custom_data,
    currency_code: subscription.currency_code,
    billing_period: period,
    invoice_number: null,
    lines: bill.lines.map((line) => ({ ...line, id: shop.id('txnitm') })),
    toBalanceMinor: 0,
    payments: [],
    created_at: now,
    updated_at: now,
    billed_at: null,
    failedAtMs: null,
    attempts: 0
  }
  shop.state.transactions[transaction.id] = transaction
  tellTransaction(shop, transaction, 'created', 'ready')
  return transaction
}
