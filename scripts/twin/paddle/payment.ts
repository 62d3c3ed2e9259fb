import type { Card } from '../dialect.ts'
import { amountsOf } from './money.ts'
import type { Shop } from './shop.ts'
import type { Subscription } from './state/subscription.ts'
import type { Period, Transaction } from './state/transaction.ts'
import { tellTransaction } from './telling.ts'

/** LAST4 are the last digits of the card numbers that stand for the twin's cards. */
export const LAST4: Record<Card, string> = { good: '4242', declined: '0002', declined_later: '0341' }

/** saveCard makes a card the customer's payment method. */
export function saveCard(shop: Shop, customerId: string, card: Card): void {
  Object.assign(shop.wallet(customerId), { card, last4: LAST4[card] })
}

/** Bill is what a transaction of a subscription is made of. */
export type Bill = Pick<Transaction, 'origin' | 'lines' | 'creditMinor'> & { toBalanceMinor?: number; period: Period | null }

/** createBill makes a transaction for a subscription. It is billed from the start: nothing about it can be changed. */
export function createBill(shop: Shop, subscription: Subscription, bill: Bill): Transaction {
  const now = shop.stamp()
  const transaction: Transaction = {
    id: shop.id('txn'),
    status: 'billed',
    origin: bill.origin,
    customer_id: subscription.customer_id,
    address_id: subscription.address_id,
    subscription_id: subscription.id,
    custom_data: subscription.custom_data,
    currency_code: subscription.currency_code,
    billing_period: bill.period,
    invoice_number: null,
    lines: bill.lines.map((line) => ({ ...line, id: shop.id('txnitm') })),
    creditMinor: bill.creditMinor,
    toBalanceMinor: bill.toBalanceMinor ?? 0,
    payments: [],
    created_at: now,
    updated_at: now,
    billed_at: now,
    failedAtMs: null,
    attempts: 0
  }
  shop.state.transactions[transaction.id] = transaction
  tellTransaction(shop, transaction, 'created', 'billed')
  return transaction
}

/** accepts says whether a card takes a charge. Where nothing is to be paid a card is only asked when it is given. */
export function accepts(card: Card | null, amountMinor: number, given: boolean): boolean {
  if (amountMinor === 0 && !given) return true
  return card === 'good' || (card === 'declined_later' && given)
}

/**
 * charge takes what a transaction is for from its customer's card, and notes the attempt; false when it was declined.
 * `given` says that the buyer has just given the card.
 */
export function charge(shop: Shop, transaction: Transaction, given: boolean, card?: Card): boolean {
  const wallet = transaction.customer_id === null ? null : shop.wallet(transaction.customer_id)
  const used = card ?? wallet?.card ?? null
  const { grandTotalMinor } = amountsOf(transaction)
  const accepted = accepts(used, grandTotalMinor, given)
  if (grandTotalMinor > 0 || !accepted) {
    const now = shop.stamp()
    transaction.payments.unshift({
      payment_attempt_id: shop.uuid(),
      stored_payment_method_id: shop.uuid(),
      amount: String(grandTotalMinor),
      status: accepted ? 'captured' : 'error',
      error_code: accepted ? null : 'declined',
      last4: used === null ? '0000' : LAST4[used],
      created_at: now,
      captured_at: accepted ? now : null
    })
  }
  return accepted
}

/** markPaid is the first half of a payment's success. */
export function markPaid(shop: Shop, transaction: Transaction): void {
  transaction.status = 'paid'
  transaction.billed_at ??= shop.stamp()
  tellTransaction(shop, transaction, 'updated', 'paid')
}

/** markCompleted is the second: the transaction gets its invoice number. */
export function markCompleted(shop: Shop, transaction: Transaction): void {
  shop.state.invoices += 1
  transaction.invoice_number = `325-${10_000 + shop.state.invoices}`
  transaction.status = 'completed'
  tellTransaction(shop, transaction, 'updated', 'completed')
}
