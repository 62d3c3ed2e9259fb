import { z } from 'zod'
import type { BillingItem, SubscriptionStatus } from '../../billing-event.ts'
import { identifier } from '../../payload.ts'
import { metadata, priced, reference, seconds } from './shape.ts'

const stripeStatus = z.enum([
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'unpaid',
  'paused',
  'canceled'
])

/**
 * STATUS maps Stripe's statuses. `unpaid` is a subscription Stripe has given up collecting for but keeps: no entitlement,
 * yet it can come back, as `paused` can. `incomplete` was never paid for; after 23 hours it ends as `incomplete_expired`.
 *
 * `pause_collection` changes nothing here: Stripe leaves the status as it is, keeps opening periods and drafting
 * invoices, and means it for sellers who go on providing the service (docs.stripe.com/billing/subscriptions/pause-payment).
 * Who wants service to stop pauses the subscription itself, which does say `paused`.
 */
const STATUS: Record<z.output<typeof stripeStatus>, SubscriptionStatus> = {
  incomplete: 'incomplete',
  incomplete_expired: 'canceled',
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'paused',
  paused: 'paused',
  canceled: 'canceled'
}

const item = z.object({
  price: priced,
  plan: priced,
  current_period_start: seconds.nullish(),
  current_period_end: seconds.nullish()
})

/** StripeSubscription is a subscription object of any API version in Parley's words. */
export type StripeSubscription = {
  id: string
  customerId: string
  accountId: string | null
  status: SubscriptionStatus
  items: BillingItem[]
  cancelsAt: string | null
  trialEndsAt: string | null
}

/**
 * subscription parses a subscription object. The periods are on the items since API 2025-03-31 and on the subscription
 * before; a subscription from before 2018 may have no items but one top-level plan.
 */
export const subscription = z
  .object({
    object: z.literal('subscription'),
    id: identifier,
    customer: reference,
    status: stripeStatus,
    items: z.object({ data: z.array(item) }).nullish(),
    plan: priced,
    current_period_start: seconds.nullish(),
    current_period_end: seconds.nullish(),
    cancel_at: seconds.nullish(),
    cancel_at_period_end: z.boolean().nullish(),
    trial_end: seconds.nullish(),
    metadata
  })
  .transform((raw, context): StripeSubscription => {
    const status = STATUS[raw.status]
    const lines = raw.items?.data ?? (raw.plan ? [{ plan: raw.plan }] : [])
    if (lines.length === 0 && status !== 'canceled') {
      context.addIssue({ code: 'custom', path: ['items', 'data'], message: 'expected a priced item' })
    }
    const items = lines.map((line: z.output<typeof item>, place): BillingItem => {
      const priceId = line.price?.id ?? line.plan?.id
      if (priceId === undefined) {
        context.addIssue({ code: 'custom', path: ['items', 'data', place, 'price'], message: 'expected a price or a plan' })
      }
      const periodStart = line.current_period_start ?? raw.current_period_start ?? null
      const periodEnd = line.current_period_end ?? raw.current_period_end ?? null
      if (periodStart !== null && periodEnd !== null && periodStart >= periodEnd) {
        const path = line.current_period_end ? ['items', 'data', place, 'current_period_end'] : ['current_period_end']
        context.addIssue({ code: 'custom', path, message: 'expected an end after the start' })
      }
      return { priceId: priceId ?? '', periodStart, periodEnd }
    })
    return {
      id: raw.id,
      customerId: raw.customer,
      accountId: raw.metadata,
      status,
      items,
      cancelsAt: raw.cancel_at ?? (raw.cancel_at_period_end ? lastEnd(items) : null),
      trialEndsAt: raw.trial_end ?? null
    }
  })

/** lastEnd: with mixed intervals what was paid for ends with the longest. All are RFC 3339 of one form, so they sort. */
function lastEnd(items: BillingItem[]): string | null {
  return items.map((line) => line.periodEnd).filter((end) => end !== null).sort().at(-1) ?? null
}
