import { z } from 'zod'
import type { BillingEvent } from '../../billing/billing-event.ts'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

/**
 * recordedSchema: `failed` is retried (also where the account is not known yet), `dead` no more. `tie` says that another
 * event carries the same provider time and rank, so that the processor must be asked; `linked` that an account became
 * known, so that deliveries that waited for it are due now.
 */
const recordedSchema = z.object({
  outcome: z.enum(['processed', 'duplicate', 'stale', 'ignored', 'failed', 'dead']),
  accountId: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  tie: z.boolean(),
  linked: z.boolean(),
  lastError: z.string().nullable()
})
export type RecordedBillingEvent = z.output<typeof recordedSchema>

/**
 * BillingEventArguments is a delivery in the arguments of SQL. The items are three arrays, entry by entry; what is left out
 * takes its SQL default. `isRetry`: it is our own retry.
 */
export type BillingEventArguments = {
  accountId: string | null
  processor: string
  eventId: string
  eventType: string
  kind: 'ignored' | 'rejected' | BillingEvent['kind']
  occurredAt: string
  eventRank: number
  customerId: string | null
  subscriptionId: string | null
  status: string | null
  payment: string | null
  priceIds: string[]
  periodStarts: (string | null)[]
  periodEnds: (string | null)[]
  cancelsAt: string | null
  amountMinor: number | null
  currency: string | null
  payload: string
  reason?: string | null
  isRetry?: boolean
  trialEndsAt?: string | null
  paymentId?: string | null
  objectIds?: string[]
  reversalId?: string | null
  reversalStatus?: BillingEvent['reversalStatus']
}

/** recordBillingEvent writes one delivery into the inbox and applies it, in one transaction. */
export function recordBillingEvent(db: Database, args: BillingEventArguments): Promise<RecordedBillingEvent> {
  return callForOne(db, 'record_billing_event', args, recordedSchema)
}
