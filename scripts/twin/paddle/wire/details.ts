import { amountsOf } from '../money.ts'
import type { Shop } from '../shop.ts'
import type { Line, Transaction } from '../state/transaction.ts'

/** Billed is what details can be made of: a transaction, or one that is only previewed. */
export type Billed = Pick<Transaction, 'lines' | 'creditMinor' | 'toBalanceMinor' | 'currency_code' | 'status'>

/** detailsOf is `details` of a transaction or a preview: totals, lines and taxes. Fees are known once it is paid. */
export function detailsOf(shop: Shop, billed: Billed) {
  const amounts = amountsOf(billed)
  const settled = billed.status === 'paid' || billed.status === 'completed'
  const fee = settled ? String(amounts.feeMinor) : null
  const earnings = settled ? String(amounts.grandTotalMinor - amounts.feeMinor) : null
  const total = String(amounts.totalMinor)
  const grandTotal = String(amounts.grandTotalMinor)
  const shared = { subtotal: total, tax: '0', total, fee, earnings, currency_code: billed.currency_code }
  const totals = {
    ...shared,
    discount: '0',
    credit: String(amounts.creditMinor),
    credit_to_balance: String(amounts.toBalanceMinor),
    balance: settled ? '0' : grandTotal,
    grand_total: grandTotal,
    grand_total_tax: '0'
  }
  const payout = settled ? { exchange_rate: '1', fee_rate: '0.05' } : null
  return {
    tax_rates_used: [{ tax_rate: '0', totals: { subtotal: total, discount: '0', tax: '0', total } }],
    totals,
    adjusted_totals: { ...shared, grand_total: grandTotal, grand_total_tax: '0', retained_fee: '0' },
    payout_totals: payout && { ...totals, ...payout },
    adjusted_payout_totals: payout && {
      ...shared,
      grand_total: grandTotal,
      grand_total_tax: '0',
      chargeback_fee: { amount: '0', original: null },
      exchange_rate: '1',
      retained_fee: '0'
    },
    line_items: billed.lines.map((line) => lineItem(shop, line))
  }
}

function lineItem(shop: Shop, line: Line) {
  const total = String(line.amountMinor)
  const unit = String(Math.round(line.amountMinor / line.quantity))
  return {
    id: line.id,
    price_id: line.price_id,
    quantity: line.quantity,
    proration: line.proration,
    tax_rate: '0',
    unit_totals: { subtotal: unit, discount: '0', tax: '0', total: unit },
    totals: { subtotal: total, discount: '0', tax: '0', total },
    product: shop.product(shop.price(line.price_id).product_id)
  }
}
