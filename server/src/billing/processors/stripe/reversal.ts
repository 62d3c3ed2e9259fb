import { z } from 'zod'
import type { ReversalStatus } from '../../billing-event.ts'
import { currencyCode, identifier } from '../../payload.ts'
import { idsOf, reference } from './shape.ts'

/** StripeReversal is a refund or a dispute in Parley's words. */
export type StripeReversal = {
  reversalId: string
  reversalStatus: ReversalStatus
  objectIds: string[]
  amountMinor: number
  currency: string
}

/** REFUND maps the statuses of a refund (docs.stripe.com/api/refunds/object); one that needs action waits for the customer. */
const REFUND: Record<string, ReversalStatus> = {
  succeeded: 'reversed',
  pending: 'pending',
  requires_action: 'pending',
  failed: 'restored',
  canceled: 'restored'
}

/**
 * DISPUTE maps the statuses of a dispute (docs.stripe.com/api/disputes/object). The money is taken when it opens and comes
 * back when it is won; an appeal follows a loss. `warning_*` are inquiries, which take no money unless they become disputes;
 * `prevented` took none either (where that was by a refund, the refund tells).
 */
const DISPUTE: Record<string, ReversalStatus> = {
  needs_response: 'reversed',
  under_review: 'reversed',
  lost: 'reversed',
  appeal_needs_response: 'reversed',
  appeal_under_review: 'reversed',
  warning_needs_response: 'pending',
  warning_under_review: 'pending',
  warning_closed: 'restored',
  prevented: 'restored',
  won: 'restored'
}

/** refund parses a refund object; without a status it is pending. */
export const refund = reversal('refund', REFUND, 'pending')

/** dispute parses a dispute object. */
export const dispute = reversal('dispute', DISPUTE, null)

function reversal(object: 'refund' | 'dispute', statuses: Record<string, ReversalStatus>, absent: 'pending' | null) {
  const names = Object.keys(statuses)
  const status = z.enum(names)
  return z
    .object({
      object: z.literal(object),
      id: identifier,
      status: absent === null ? status : status.nullish(),
      amount: z.int().min(0),
      currency: currencyCode,
      payment_intent: reference.nullish(),
      charge: reference.nullish()
    })
    .transform(
      (raw): StripeReversal => ({
        reversalId: raw.id,
        reversalStatus: statuses[raw.status ?? ''] ?? 'pending',
        objectIds: idsOf(raw.payment_intent, raw.charge),
        amountMinor: raw.amount,
        currency: raw.currency
      })
    )
}
