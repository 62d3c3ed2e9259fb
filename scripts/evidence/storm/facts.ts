import type { EventRank, ReversalStatus, SourceName, SubscriptionStatus } from '../../../server/src/billing/billing-event.ts'
import type { Interval } from '../../webhook/scenario.ts'
import type { Period } from './calendar.ts'

/** PLANS are the paid plans of the default catalog (supabase/schemas/reference/catalog.sql), the smallest first. */
export const PLANS = ['starter', 'growth', 'enterprise'] as const
export type PaidPlan = (typeof PLANS)[number]

/** GRACE_DAYS is how long the default catalog lets a subscription of the plan be past due. */
export const GRACE_DAYS: Record<PaidPlan, number> = { starter: 7, growth: 7, enterprise: 14 }

/** PRICE_MINOR is what a month of the plan costs, in cents. */
export const PRICE_MINOR: Record<PaidPlan, number> = { starter: 1_900, growth: 7_900, enterprise: 39_900 }

/** Told is what one event says, as whoever sends it means it. Null: it says nothing of it. Times are Unix milliseconds. */
export type Told =
  | { kind: 'link' }
  | { kind: 'ignored' }
  | { kind: 'closed'; whom: 'account' | 'customer' }
  | {
      kind: 'state'
      status: SubscriptionStatus
      plan: PaidPlan
      period: Period | null
      cancelsAtMs: number | null
      trialEndsAtMs: number | null
    }
  | {
      kind: 'payment'
      payment: 'paid' | 'failed'
      plan: PaidPlan | null
      period: Period | null
      amountMinor: number
      paymentId: string
    }
  | { kind: 'refund' | 'dispute'; reversalId: string; standing: ReversalStatus; amountMinor: number; paymentId: string }

/**
 * StormEvent is one event of the storm: what it tells (the reference model reads nothing else) and the body in which its
 * sender tells it, the same bytes each time. `eventId` is the id by which the inbox must know it; `accountId` is whose it is,
 * whether its body says so or not.
 */
export type StormEvent = {
  source: SourceName
  eventId: string
  atMs: number
  rank: EventRank
  accountId: string
  customerId: string | null
  subscriptionId: string | null
  told: Told
  body: () => string
}

/** Held is a subscription as its processor holds it. `isNamed`: its objects carry the account; else only the checkout tells. */
export type Held = {
  processor: 'stripe' | 'paddle' | 'razorpay'
  accountId: string
  customerId: string
  subscriptionId: string
  isNamed: boolean
  shape: 'old' | 'current'
  plan: PaidPlan
  interval: Interval
  status: SubscriptionStatus
  anchorMs: number
  place: number
  period: Period
  cancelsAtMs: number | null
  trialEndsAtMs: number | null
}

/** Payment is money that was taken for a subscription; `intentId` is Stripe's other name of it. */
export type Payment = { paymentId: string; intentId: string; amountMinor: number; atMs: number }

/** amountOf is what a period of it costs, in cents. */
export function amountOf({ plan, interval }: Pick<Held, 'plan' | 'interval'>): number {
  return interval === 'month' ? PRICE_MINOR[plan] : PRICE_MINOR[plan] * 10
}

/** keyOf names an event as the inbox does. */
export function keyOf(event: { source: string; eventId: string }): string {
  return `${event.source} ${event.eventId}`
}
