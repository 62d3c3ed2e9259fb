/**
 * A billing event: what one processor webhook says, in Parley's words. It is *state as of a time*, never a delta, so
 * that duplicates and disorder are harmless: the database folds all events of a subscription in provider order.
 */

/** ProcessorName is how a processor is called in SQL, in paths and in logs. */
export type ProcessorName = 'stripe' | 'paddle' | 'razorpay'

/** SourceName is who may deliver webhooks: the processors, and Clerk, which tells that a user or organization is gone. */
export type SourceName = ProcessorName | 'clerk'

/**
 * SubscriptionStatus: `trialing` and `active` give the plan in full, `past_due` until its grace ends; `paused` and `canceled`
 * give plan free; `incomplete` was never paid for (grants nothing, opens no window). `canceled` is final.
 */
export type SubscriptionStatus = 'incomplete' | 'trialing' | 'active' | 'past_due' | 'paused' | 'canceled'

/**
 * EventRank orders two events of one subscription that carry the same provider time (Stripe's clock has whole seconds):
 * a creation comes before a payment, a payment before an update, an update before the end.
 */
export const EVENT_RANK = { created: 0, payment: 1, updated: 2, ended: 3 } as const

/** EventRank is one of {@link EVENT_RANK}. */
export type EventRank = (typeof EVENT_RANK)[keyof typeof EVENT_RANK]

/** BillingItem is one priced line of a subscription or renewal invoice; times are RFC 3339 in UTC, half-open. */
export type BillingItem = { priceId: string; periodStart: string | null; periodEnd: string | null }

/**
 * ReversalStatus is where a refund or dispute stands: `pending` is not decided, `reversed` means that the money went back
 * (a refund that succeeded, a dispute that was opened or lost), `restored` that it stays or came back (a refund that
 * failed, a dispute that was won).
 */
export type ReversalStatus = 'pending' | 'reversed' | 'restored'

/**
 * BillingEvent.
 *
 * `kind`
 * - `link`: only ties processor ids to an account (a checkout was completed; which payment an invoice was settled by).
 * - `state`: the subscription looks so, as of `occurredAt`; `status` is set.
 * - `payment`: money did (`paid`) or did not (`failed`) arrive for a subscription; `status` is null. Its items, when
 *   there are any, are those of a renewal or a first period, never of a proration.
 * - `refund`, `dispute`: money went, or may go, back; `reversalId` and `reversalStatus` are set, and the payment is named
 *   by `paymentId` or `objectIds`.
 * - `closed`: the customer (`customerId`) or the account itself (`accountId`, from Clerk) was deleted.
 *
 * `paymentId` is what was paid: Stripe's invoice, Paddle's transaction, Razorpay's payment. `objectIds` are other ids
 * by which later events may name that payment (Stripe's payment intent and charge).
 */
export type BillingEvent = {
  processor: SourceName
  eventId: string
  eventType: string
  kind: 'link' | 'state' | 'payment' | 'refund' | 'dispute' | 'closed'
  occurredAt: string
  rank: EventRank
  accountId: string | null
  customerId: string | null
  subscriptionId: string | null
  status: SubscriptionStatus | null
  payment: 'paid' | 'failed' | null
  items: BillingItem[]
  cancelsAt: string | null
  trialEndsAt: string | null
  amountMinor: number | null
  currency: string | null
  paymentId: string | null
  objectIds: string[]
  reversalId: string | null
  reversalStatus: ReversalStatus | null
}

/**
 * Normalised is what `normalise` makes of a verified, readable delivery.
 * - `ignored`: an event type Parley does not act on; it is stored so, with the reason.
 * - `rejected`: a type Parley acts on in a shape it does not know; it is stored as `dead`, never guessed at.
 */
export type Normalised =
  | { outcome: 'event'; event: BillingEvent }
  | { outcome: 'ignored'; eventId: string; eventType: string; occurredAt: string; reason: string }
  | { outcome: 'rejected'; eventId: string; eventType: string; occurredAt: string; reason: string }
