import { invalid } from './fault.ts'
import { renderDispute } from './render-dispute.ts'
import { renderCharge, renderRefund } from './render-payment.ts'
import { emit, now, updating } from './shop.ts'
import type { Shop } from './shop.ts'
import type { ChargeRecord, DisputeRecord, RefundRecord } from './state.ts'

/** refundCharge sends money of a charge back to its card: `amount` of it, or what is left. */
export function refundCharge(
  shop: Shop,
  charge: ChargeRecord,
  wish: { amount: number | null; reason: string | null; metadata: Record<string, string> }
): RefundRecord {
  const left = charge.amount - charge.amountRefunded
  if (!charge.succeeded) throw invalid(`Charge ${charge.id} did not succeed and cannot be refunded.`, 'charge')
  if (charge.disputed)
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, 'charge', 'charge_disputed')
  if (left === 0) throw invalid(`Charge ${charge.id} has already been refunded.`, 'charge', 'charge_already_refunded')
  const amount = wish.amount ?? left
  if (amount > left) throw invalid(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, 'amount')
  if (amount < 1) throw invalid('This value must be greater than or equal to 1.', 'amount', 'parameter_invalid_integer')
  const refund: RefundRecord = {
    id: shop.world.id('re_'),
    chargeId: charge.id,
    balanceTransactionId: shop.world.id('txn_'),
    amount,
    currency: charge.currency,
    reason: wish.reason,
    metadata: wish.metadata,
    created: now(shop)
  }
  updating(
    shop,
    'charge.refunded',
    () => renderCharge(shop.state, charge, shop.origin),
    () => {
      shop.state.refunds[refund.id] = refund
      charge.amountRefunded += amount
    }
  )
  emit(shop, 'refund.created', renderRefund(shop.state, refund))
  emit(shop, 'refund.updated', renderRefund(shop.state, refund), { destination_details: null })
  return refund
}

/** disputeCharge is the buyer who contests a payment at the bank, which takes the money back until it is decided. */
export function disputeCharge(shop: Shop, charge: ChargeRecord): DisputeRecord {
  if (charge.disputed) throw new Error(`The charge ${charge.id} is disputed already.`)
  const dispute: DisputeRecord = {
    id: shop.world.id('dp_'),
    chargeId: charge.id,
    amount: charge.amount - charge.amountRefunded,
    currency: charge.currency,
    status: 'needs_response',
    balanceTransactionIds: [shop.world.id('txn_')],
    metadata: {},
    created: now(shop)
  }
  if (dispute.amount === 0) throw new Error(`The charge ${charge.id} was refunded in full.`)
  shop.state.disputes[dispute.id] = dispute
  updating(
    shop,
    'charge.updated',
    () => renderCharge(shop.state, charge, shop.origin),
    () => {
      charge.disputed = true
    }
  )
  emit(shop, 'charge.dispute.created', renderDispute(shop.state, dispute))
  emit(shop, 'charge.dispute.funds_withdrawn', renderDispute(shop.state, dispute))
  return dispute
}

/** closeDispute is the bank's decision; the money comes back where it was won. */
export function closeDispute(shop: Shop, dispute: DisputeRecord, outcome: 'won' | 'lost'): void {
  if (dispute.status !== 'needs_response') throw new Error(`The dispute ${dispute.id} was ${dispute.status} already.`)
  dispute.status = outcome
  if (outcome === 'won') dispute.balanceTransactionIds.push(shop.world.id('txn_'))
  emit(shop, 'charge.dispute.closed', renderDispute(shop.state, dispute))
  if (outcome === 'won') emit(shop, 'charge.dispute.funds_reinstated', renderDispute(shop.state, dispute))
}
