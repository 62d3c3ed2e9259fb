import { z } from 'zod'
import type { BillingEvent, ReversalStatus } from '../../billing-event.ts'
import { currencyCode, identifier } from '../../payload.ts'
import { minorUnits } from './shape.ts'

/** PaddleAdjustment is an adjustment entity in Parley's words, or null where it sends no money back. */
export type PaddleAdjustment = Pick<
  BillingEvent,
  'customerId' | 'subscriptionId' | 'paymentId' | 'amountMinor' | 'currency' | 'reversalId' | 'reversalStatus'
> & { kind: 'refund' | 'dispute' }

type AdjustmentStatus = 'pending_approval' | 'approved' | 'rejected' | 'reversed'

/** A refund waits for Paddle's approval, and only an approved one moves money; a rejected or reversed one does not. */
const REFUND: Record<AdjustmentStatus, ReversalStatus> = {
  pending_approval: 'pending',
  approved: 'reversed',
  rejected: 'restored',
  reversed: 'restored'
}

/** The reversal of a chargeback brings the money back once it is approved; until then the chargeback stands. */
const CHARGEBACK_REVERSE: Record<AdjustmentStatus, ReversalStatus> = {
  pending_approval: 'reversed',
  approved: 'restored',
  rejected: 'reversed',
  reversed: 'reversed'
}

/** A warning announces a chargeback, and moves no money as long as it stands. */
const WARNING: Record<AdjustmentStatus, ReversalStatus> = {
  pending_approval: 'pending',
  approved: 'pending',
  rejected: 'restored',
  reversed: 'restored'
}

const WARNING_REVERSE: Record<AdjustmentStatus, ReversalStatus> = {
  pending_approval: 'pending',
  approved: 'restored',
  rejected: 'pending',
  reversed: 'pending'
}

/**
 * adjustment parses an adjustment entity (developer.paddle.com, adjustments).
 *
 * A refund is known by its own id. Paddle tells the end of a dispute by an adjustment of another id, which names only
 * the transaction; therefore a dispute is known by that: `chargeback:<transaction>`, so that a chargeback, its reversal
 * and a second chargeback are three states of one dispute. A warning is kept apart (`chargeback_warning:<transaction>`):
 * that it is settled says nothing of a chargeback which came all the same. A credit lowers a later bill and sends nothing back.
 */
export const adjustment = z
  .object({
    id: identifier,
    action: z.enum([
      'refund',
      'credit',
      'credit_reverse',
      'chargeback',
      'chargeback_reverse',
      'chargeback_warning',
      'chargeback_warning_reverse'
    ]),
    status: z.enum(['pending_approval', 'approved', 'rejected', 'reversed']),
    transaction_id: identifier,
    subscription_id: identifier.nullish(),
    customer_id: identifier.nullish(),
    currency_code: currencyCode,
    totals: z.object({ total: minorUnits })
  })
  .transform((raw): PaddleAdjustment | null => {
    const facts = {
      customerId: raw.customer_id ?? null,
      subscriptionId: raw.subscription_id ?? null,
      paymentId: raw.transaction_id,
      amountMinor: raw.totals.total,
      currency: raw.currency_code
    }
    const dispute = { ...facts, kind: 'dispute' as const, reversalId: `chargeback:${raw.transaction_id}` }
    const warning = { ...facts, kind: 'dispute' as const, reversalId: `chargeback_warning:${raw.transaction_id}` }
    switch (raw.action) {
      case 'refund':
        return { ...facts, kind: 'refund', reversalId: raw.id, reversalStatus: REFUND[raw.status] }
      case 'chargeback':
        return { ...dispute, reversalStatus: REFUND[raw.status] }
      case 'chargeback_reverse':
        return { ...dispute, reversalStatus: CHARGEBACK_REVERSE[raw.status] }
      case 'chargeback_warning':
        return { ...warning, reversalStatus: WARNING[raw.status] }
      case 'chargeback_warning_reverse':
        return { ...warning, reversalStatus: WARNING_REVERSE[raw.status] }
      default:
        return null
    }
  })
