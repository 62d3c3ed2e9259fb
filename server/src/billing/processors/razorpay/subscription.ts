import { z } from 'zod'
import type { BillingEvent, EventRank, SubscriptionStatus } from '../../billing-event.ts'
import { EVENT_RANK } from '../../billing-event.ts'
import { eventOf, identifier } from '../../payload.ts'
import type { Envelope } from '../../payload.ts'
import { accountNotes, seconds } from './shape.ts'

const razorpayStatus = z.enum([
  'created',
  'authenticated',
  'active',
  'pending',
  'halted',
  'paused',
  'cancelled',
  'completed',
  'expired'
])

/**
 * STATUS maps Razorpay's statuses (payments/subscriptions/states.md of razorpay/markdown-docs). `pending` is retried for
 * three days; `halted` is retried no more, but comes back when the customer pays or changes the card: still past due, for the
 * grace of the plan is longer than Razorpay's patience, and ends by itself. `completed` is told when the last invoice has been charged, which may be a period before
 * that ends; the checkout gives ten years of periods and every change of plan gives them anew.
 */
const STATUS: Record<z.output<typeof razorpayStatus>, SubscriptionStatus> = {
  created: 'incomplete',
  authenticated: 'incomplete',
  active: 'active',
  pending: 'past_due',
  halted: 'past_due',
  paused: 'paused',
  cancelled: 'canceled',
  completed: 'canceled',
  expired: 'canceled'
}

/** RazorpaySubscription is a subscription entity: times in RFC 3339, `razorpayStatus` still in Razorpay's words. */
export type RazorpaySubscription = z.output<typeof subscription>

/** subscription parses a subscription entity, of a webhook or an answer. The period is null before the first charge. */
export const subscription = z
  .object({
    entity: z.literal('subscription'),
    id: identifier,
    plan_id: identifier,
    customer_id: identifier.nullish(),
    status: razorpayStatus,
    current_start: seconds.nullish(),
    current_end: seconds.nullish(),
    start_at: seconds.nullish(),
    ended_at: seconds.nullish(),
    short_url: z.url({ protocol: /^https?$/ }).nullish(),
    has_scheduled_changes: z.boolean().nullish(),
    notes: accountNotes
  })
  .refine((raw) => !raw.current_start || !raw.current_end || raw.current_start < raw.current_end, {
    path: ['current_end'],
    message: 'expected an end after the start'
  })
  .transform((raw) => {
    const isWhole = Boolean(raw.current_start && raw.current_end)
    return {
      id: raw.id,
      planId: raw.plan_id,
      customerId: raw.customer_id ?? null,
      accountId: raw.notes,
      razorpayStatus: raw.status,
      periodStart: isWhole ? (raw.current_start ?? null) : null,
      periodEnd: isWhole ? (raw.current_end ?? null) : null,
      startAt: raw.start_at ?? null,
      endedAt: raw.ended_at ?? null,
      pageUrl: raw.short_url ?? null,
      hasScheduledChange: raw.has_scheduled_changes ?? false
    }
  })

/**
 * stateOf words a subscription entity as a billing event.
 *
 * A subscription whose start lies ahead was authorised but not charged: a trial, which is how Razorpay words it too. That
 * is judged by the time of the event, not of the entity's creation: a subscription that starts at once gets as its
 * `start_at` the moment it was authorised, some seconds after its creation, and is no trial.
 *
 * `cancelsAt` stays null: no field tells that a cancellation at the end of the cycle is planned
 * (razorpay/razorpay-node#330 and #452); `has_scheduled_changes` is about plans only.
 */
export function stateOf(envelope: Envelope, rank: EventRank, from: RazorpaySubscription): BillingEvent {
  const isTrial = from.razorpayStatus === 'authenticated' && from.startAt !== null && from.startAt > envelope.occurredAt
  const status = isTrial ? 'trialing' : STATUS[from.razorpayStatus]
  return eventOf('razorpay', envelope, {
    kind: 'state',
    rank,
    accountId: from.accountId,
    customerId: from.customerId,
    subscriptionId: from.id,
    // An end is the end whatever status the entity still carries.
    status: rank === EVENT_RANK.ended ? 'canceled' : status,
    items: [{ priceId: from.planId, periodStart: from.periodStart, periodEnd: from.periodEnd }],
    trialEndsAt: isTrial ? from.startAt : null
  })
}
