import { z } from 'zod'
import { EVENT_RANK } from '../../billing-event.ts'
import type { EventRank, ReversalStatus } from '../../billing-event.ts'
import { currencyCode, identifier } from '../../payload.ts'
import { minorUnits } from './shape.ts'

/** payment parses a payment entity. It names no subscription: only the event around it may tell which one was paid. */
export const payment = z
  .object({ entity: z.literal('payment'), id: identifier, amount: minorUnits, currency: currencyCode })
  .transform((raw) => ({ paymentId: raw.id, amountMinor: raw.amount, currency: raw.currency }))

/** payer is the customer of a payment that came along with a refund or dispute; null where there is none. */
export const payer = z
  .object({ entity: z.object({ customer_id: identifier.nullish() }) })
  .nullish()
  .transform((raw) => raw?.entity.customer_id ?? null)

const reversal = { id: identifier, payment_id: identifier, amount: minorUnits, currency: currencyCode }

const REFUND_STATUS: Record<'pending' | 'processed' | 'failed', ReversalStatus> = {
  pending: 'pending',
  processed: 'reversed',
  failed: 'restored'
}

/** refund parses a refund entity; a refund may be processed as soon as it is created. */
export const refund = z
  .object({ entity: z.literal('refund'), ...reversal, status: z.enum(['pending', 'processed', 'failed']) })
  .transform((raw) => ({ ...factsOf(raw), reversalStatus: REFUND_STATUS[raw.status] }))

/** INQUIRIES are the phases in which the bank asks, but nobody claims the money yet. */
const INQUIRIES = new Set(['fraud', 'retrieval'])

/** dispute parses a dispute entity. `isInquiry`: the bank has a question; no money is claimed (api/disputes/entity.md). */
export const dispute = z
  .object({ entity: z.literal('dispute'), ...reversal, phase: z.string().nullish() })
  .transform((raw) => ({ ...factsOf(raw), isInquiry: INQUIRIES.has(raw.phase ?? '') }))

/** standingOf is what a dispute comes to: as long as the bank only asks, and has not decided, no money is claimed. */
export function standingOf(told: { isInquiry: boolean; rank: EventRank; claimed: ReversalStatus }): ReversalStatus {
  return told.isInquiry && told.rank !== EVENT_RANK.ended ? 'pending' : told.claimed
}

function factsOf(raw: { id: string; payment_id: string; amount: number; currency: string }) {
  return { reversalId: raw.id, paymentId: raw.payment_id, amountMinor: raw.amount, currency: raw.currency }
}
