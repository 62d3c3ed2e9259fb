import { EVENT_RANK, type ReversalStatus } from '../../../server/src/billing/billing-event.ts'
import type { Held, Payment, StormEvent } from './facts.ts'
import { micros } from './paddle-wire.ts'
import { ownerOf } from './scenario-of.ts'

/** PaddleAdjustment: a chargeback and its reversal have ids of their own and are one dispute of their transaction. */
export type PaddleAdjustment = {
  id: string
  action: 'refund' | 'chargeback' | 'chargeback_reverse'
  status: 'pending_approval' | 'approved' | 'rejected'
  isCreation: boolean
  standing: ReversalStatus
  amountMinor: number
}

/** paddleAdjustment is `adjustment.created` or `.updated`. */
export function paddleAdjustment(
  held: Held,
  payment: Payment,
  adjustment: PaddleAdjustment,
  { atMs, eventId }: { atMs: number; eventId: string }
): StormEvent {
  const { id, action, status, isCreation, standing, amountMinor } = adjustment
  const { customerId, subscriptionId } = held
  const isRefund = action === 'refund'
  const total = String(amountMinor)
  return {
    ...ownerOf(held),
    eventId,
    atMs,
    rank: isCreation ? EVENT_RANK.created : EVENT_RANK.updated,
    told: {
      kind: isRefund ? 'refund' : 'dispute',
      reversalId: isRefund ? id : `chargeback:${payment.paymentId}`,
      standing,
      amountMinor,
      paymentId: payment.paymentId
    },
    body: () =>
      JSON.stringify({
        event_id: eventId,
        event_type: isCreation ? 'adjustment.created' : 'adjustment.updated',
        occurred_at: micros(atMs),
        notification_id: `ntf_${eventId.slice(4)}`,
        data: {
          id,
          action,
          type: amountMinor === payment.amountMinor ? 'full' : 'partial',
          transaction_id: payment.paymentId,
          subscription_id: subscriptionId,
          customer_id: customerId,
          reason: 'requested_by_customer',
          credit_applied_to_balance: null,
          currency_code: 'USD',
          status,
          items: [],
          totals: { subtotal: total, tax: '0', total, fee: '0', earnings: total, currency_code: 'USD' },
          created_at: micros(atMs),
          updated_at: micros(atMs)
        }
      })
  }
}
