/**
 * A billing event: what one processor webhook says, in Parley's words. It is *state as of a time*, never a delta, so
 * that duplicates and disorder are harmless: the database folds all events of a subscription in provider order.
 */

/** ProcessorName is how a processor is called in SQL, in paths and in logs. */
export type ProcessorName = 'stripe' | 'paddle' | 'razorpay'

/**
 * SubscriptionStatus: `trialing` and `active` give the plan in full, `past_due` until its grace ends; `paused` and `canceled`
 * give plan free; `incomplete` was never paid for (grants nothing, opens no window).
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
 * BillingEvent.
 *
 * `kind`
 * - `link`: only ties processor ids to an account (a checkout was completed).
 * - `state`: the subscription looks so, as of `occurredAt`; `status` is set.
 * - `payment`: money did (`paid`) or did not (`failed`) arrive for a subscription; `status` is null. Its items, when
 *   there are any, are those of a renewal or a first period, never of a proration.
 */
export type BillingEvent = {
  processor: ProcessorName
  eventId: string
  eventType: string
  kind: 'link' | 'state' | 'payment'
  occurredAt: string
  rank: EventRank
  accountId: string | null
  customerId: string | null
  subscriptionId: string | null
  status: SubscriptionStatus | null
  payment: 'paid' | 'failed' | null
  items: BillingItem[]
  cancelsAt: string | null
  amountMinor: number | null
  currency: string | null
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
