import { Refusal } from './errors.ts'
import { amountsOf, sumOf } from './money.ts'
import type { Shop } from './shop.ts'
import type { Adjustment } from './state/adjustment.ts'
import type { Subscription } from './state/subscription.ts'
import type { Line, Transaction } from './state/transaction.ts'
import { tellAdjustment } from './telling.ts'

// Paddle approves most refunds within minutes to days; the published samples show it after 85 seconds.
const APPROVAL_MS = 2 * 60_000

type Part = { line: Line; amountMinor: number }

/** refund asks for money of a transaction back: all that is left of it, or `amountMinor`. It is approved a little later. */
export function refund(shop: Shop, transaction: Transaction, amountMinor: number | null, reason: string): Adjustment {
  const left = leftMinor(shop, transaction)
  const wanted = amountMinor ?? left
  if (transaction.status !== 'completed') {
    throw refusal('adjustment_transaction_invalid_status_for_refund', 'the transaction is not completed')
  }
  if (wanted <= 0) throw refusal('adjustment_amount_cannot_be_zero', 'there is nothing to refund')
  if (wanted > left) throw refusal('adjustment_amount_above_remaining_allowed', `at most ${left} can be refunded`)
  const parts = spread(transaction.lines, wanted)
  const full = wanted === amountsOf(transaction).grandTotalMinor
  const adjustment = make(shop, transaction, 'refund', 'pending_approval', reason, parts, full)
  adjustment.approveAtMs = shop.nowMs() + APPROVAL_MS
  tellAdjustment(shop, adjustment, 'created')
  return adjustment
}

/** approve lets a refund's money go back. */
export function approve(shop: Shop, adjustment: Adjustment): void {
  update(shop, adjustment, { status: 'approved', approveAtMs: null })
}

/** chargeBack takes all of a transaction back at the buyer's bank: it is approved from the start. */
export function chargeBack(shop: Shop, transaction: Transaction): Adjustment {
  const parts = spread(transaction.lines, amountsOf(transaction).grandTotalMinor)
  const adjustment = make(shop, transaction, 'chargeback', 'approved', 'fraudulent', parts, true)
  tellAdjustment(shop, adjustment, 'created')
  return adjustment
}

/** closeChargeBack ends a chargeback. When the seller won, a `chargeback_reverse` brings the money; of a loss nothing is told. */
export function closeChargeBack(shop: Shop, adjustment: Adjustment, outcome: 'won' | 'lost'): void {
  adjustment.closed = true
  if (outcome === 'lost') return
  const transaction = shop.transaction(adjustment.transaction_id)
  const parts = spread(transaction.lines, sumOf(adjustment.items))
  const reverse = make(shop, transaction, 'chargeback_reverse', 'approved', 'chargeback reversed', parts, true)
  tellAdjustment(shop, reverse, 'created')
  update(shop, adjustment, { status: 'reversed' })
}

/** credit notes what a change of plan gives back, against the transaction that had paid for it. No money goes back. */
export function credit(shop: Shop, subscription: Subscription, amountMinor: number, rate: string): void {
  const paid = latestPayment(shop, subscription.id)
  const period = paid?.billing_period
  if (!paid || !period) return
  const parts = spread(paid.lines, Math.min(amountMinor, sumOf(paid.lines)))
  const adjustment = make(shop, paid, 'credit', 'approved', 'subscription_update', parts, false)
  adjustment.items = adjustment.items.map((item) => ({ ...item, type: 'proration', proration: { rate, billing_period: period } }))
  adjustment.credit_applied_to_balance = true
  tellAdjustment(shop, adjustment, 'created')
}

/** latestPayment is the last transaction of a subscription that money was paid for. */
export function latestPayment(shop: Shop, subscriptionId: string): Transaction | undefined {
  return Object.values(shop.state.transactions).findLast(
    (one) => one.subscription_id === subscriptionId && one.status === 'completed' && amountsOf(one).grandTotalMinor > 0
  )
}

function refusal(code: string, detail: string): Refusal {
  return new Refusal(400, 'adjustments', code, detail)
}

function leftMinor(shop: Shop, transaction: Transaction): number {
  const gone = Object.values(shop.state.adjustments)
    .filter((one) => one.transaction_id === transaction.id && one.action !== 'credit' && one.action !== 'chargeback_reverse')
    .filter((one) => one.status !== 'reversed')
  return amountsOf(transaction).grandTotalMinor - gone.reduce((sum, one) => sum + sumOf(one.items), 0)
}

/** spread takes an amount from lines, the first of them first. */
function spread(lines: Line[], amountMinor: number): Part[] {
  let rest = amountMinor
  const parts: Part[] = []
  for (const line of lines) {
    const part = Math.min(rest, line.amountMinor)
    rest -= part
    if (part > 0) parts.push({ line, amountMinor: part })
  }
  return parts
}

function make(
  shop: Shop,
  transaction: Transaction,
  action: Adjustment['action'],
  status: Adjustment['status'],
  reason: string,
  parts: Part[],
  full: boolean
): Adjustment {
  const now = shop.stamp()
  const adjustment: Adjustment = {
    id: shop.id('adj'),
    action,
    type: full ? 'full' : 'partial',
    status,
    reason,
    transaction_id: transaction.id,
    subscription_id: transaction.subscription_id,
    customer_id: transaction.customer_id ?? '',
    currency_code: transaction.currency_code,
    credit_applied_to_balance: null,
    items: parts.map(({ line, amountMinor }) => ({
      id: shop.id('adjitm'),
      item_id: line.id,
      type: amountMinor === line.amountMinor ? 'full' : 'partial',
      amountMinor,
      proration: null
    })),
    created_at: now,
    updated_at: now,
    approveAtMs: null,
    closed: false
  }
  shop.state.adjustments[adjustment.id] = adjustment
  return adjustment
}

function update(shop: Shop, adjustment: Adjustment, changes: Partial<Adjustment>): void {
  Object.assign(adjustment, changes, { updated_at: shop.stamp() })
  tellAdjustment(shop, adjustment, 'updated')
}
