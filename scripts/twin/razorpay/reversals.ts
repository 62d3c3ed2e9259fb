import { type Context, newId, nowSeconds, ownerOf } from './context.ts'
import { beginChange, type Change } from './events.ts'
import type { Dispute, Payment, Refund } from './money.ts'
import { Refusal } from './refusal.ts'

const MINIMUM_REFUND_MINOR = 100
const ANSWER_SECONDS = 7 * 86_400

/**
 * refundPayment gives back a payment or `amountMinor` of it, by `refund.created` and `refund.processed`. `change`: where it is
 * part of a greater one. Both events show the refund as processed, as the samples in webhooks/refunds.md do.
 * Throws {@link Refusal}.
 */
export function refundPayment(
  context: Context,
  payment: Payment,
  request: { amountMinor?: number; notes?: Refund['notes']; receipt?: string; speed?: Refund['speed_requested']; change?: Change }
): Refund {
  const left = payment.amount - payment.amount_refunded
  const amount = request.amountMinor ?? left
  if (left === 0) throw new Refusal('The payment has been fully refunded already')
  if (payment.status !== 'captured') throw new Refusal('Only payments which have been captured can be refunded')
  if (amount > left) throw new Refusal('The refund amount provided is greater than amount captured', { field: 'amount' })
  if (request.change === undefined && amount < MINIMUM_REFUND_MINOR) {
    throw new Refusal(`The amount must be at least ${payment.currency} 1.00`, {
      field: 'amount',
      reason: 'input_validation_failed'
    })
  }
  const refund: Refund = {
    id: newId(context, 'rfnd_'),
    entity: 'refund',
    amount,
    currency: payment.currency,
    payment_id: payment.id,
    notes: request.notes ?? [],
    receipt: request.receipt ?? null,
    acquirer_data: { arn: null },
    created_at: nowSeconds(context),
    batch_id: null,
    status: 'processed',
    speed_processed: 'normal',
    speed_requested: request.speed ?? 'normal'
  }
  context.state.refunds[refund.id] = refund
  payment.amount_refunded += amount
  payment.refund_status = payment.amount_refunded === payment.amount ? 'full' : 'partial'
  if (payment.refund_status === 'full') payment.status = 'refunded'
  const change = request.change ?? beginChange(context, ownerOf(context, payment))
  change.tell('refund.created', { refund, payment })
  change.tell('refund.processed', { refund, payment })
  return refund
}

/** openDispute lets the buyer's bank contest a payment. Throws {@link Refusal} when that payment is contested already. */
export function openDispute(context: Context, payment: Payment): Dispute {
  const open = Object.values(context.state.disputes).find(
    ({ payment_id, status }) => payment_id === payment.id && status === 'open'
  )
  if (open !== undefined) throw new Refusal(`The payment ${payment.id} is contested already, by ${open.id}.`)
  const at = nowSeconds(context)
  const dispute: Dispute = {
    id: newId(context, 'disp_'),
    entity: 'dispute',
    payment_id: payment.id,
    amount: payment.amount,
    currency: payment.currency,
    amount_deducted: 0,
    reason_code: 'chargeback_authorisation_failed',
    respond_by: at + ANSWER_SECONDS,
    status: 'open',
    evidence: {
      amount: payment.amount,
      summary: null,
      shipping_proof: null,
      billing_proof: null,
      cancellation_proof: null,
      customer_communication: null,
      proof_of_service: null,
      explanation_letter: null,
      refund_confirmation: null,
      access_activity_log: null,
      refund_cancellation_policy: null,
      term_and_conditions: null,
      others: null,
      submitted_at: null
    },
    phase: 'chargeback',
    created_at: at
  }
  context.state.disputes[dispute.id] = dispute
  beginChange(context, ownerOf(context, payment)).tell('payment.dispute.created', { payment, dispute })
  return dispute
}

/** closeDispute decides an open dispute; a lost one takes the money (`amount_deducted`). Throws {@link Refusal}. */
export function closeDispute(context: Context, dispute: Dispute, payment: Payment, outcome: 'won' | 'lost'): void {
  if (dispute.status !== 'open') throw new Refusal(`The dispute ${dispute.id} is ${dispute.status} already.`)
  dispute.status = outcome
  dispute.amount_deducted = outcome === 'lost' ? dispute.amount : 0
  beginChange(context, ownerOf(context, payment)).tell(`payment.dispute.${outcome}`, { payment, dispute })
}
