import { sumOf } from '../money.ts'
import type { Adjustment } from '../state/adjustment.ts'

/** adjustmentEntity is a refund, credit or chargeback as Paddle's API and notifications carry it. */
export function adjustmentEntity(adjustment: Adjustment) {
  const { id, action, type, status, reason, transaction_id, subscription_id, customer_id, currency_code } = adjustment
  const total = String(sumOf(adjustment.items))
  const totals = { subtotal: total, tax: '0', total, fee: '0', earnings: total, retained_fee: '0', currency_code }
  const chargebackFee = { amount: action === 'chargeback' ? '2000' : '0', original: null }
  return {
    id,
    action,
    type,
    transaction_id,
    subscription_id,
    customer_id,
    reason,
    credit_applied_to_balance: adjustment.credit_applied_to_balance,
    currency_code,
    status,
    items: adjustment.items.map((item) => ({
      id: item.id,
      item_id: item.item_id,
      type: item.type,
      amount: String(item.amountMinor),
      proration: item.proration,
      totals: { subtotal: String(item.amountMinor), tax: '0', total: String(item.amountMinor) }
    })),
    totals,
    payout_totals: action === 'credit' ? null : { ...totals, chargeback_fee: chargebackFee },
    tax_rates_used: [{ tax_rate: '0', totals: { subtotal: total, tax: '0', total } }],
    created_at: adjustment.created_at,
    updated_at: adjustment.updated_at
  }
}
