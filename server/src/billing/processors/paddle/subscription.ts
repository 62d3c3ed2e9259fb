import { z } from 'zod'
import type { BillingItem, SubscriptionStatus } from '../../billing-event.ts'
import { identifier } from '../../payload.ts'
import { customData, period, time } from './shape.ts'

/** PaddleSubscription is a subscription entity in Parley's words. */
export type PaddleSubscription = {
  id: string
  customerId: string
  accountId: string | null
  status: SubscriptionStatus
  items: BillingItem[]
  cancelsAt: string | null
}

/**
 * subscription parses a subscription entity. One billing period holds for all items; paused and canceled subscriptions
 * have none, which says nothing about the last one. A scheduled change is a plan, not a state: only a planned
 * cancellation is told on.
 */
export const subscription = z
  .object({
    id: identifier,
    status: z.enum(['trialing', 'active', 'past_due', 'paused', 'canceled']),
    customer_id: identifier,
    items: z.array(z.object({ price: z.object({ id: identifier }), recurring: z.boolean().nullish() })).min(1),
    current_billing_period: period.nullable(),
    scheduled_change: z.object({ action: z.string(), effective_at: time }).nullish(),
    custom_data: customData
  })
  .transform((raw): PaddleSubscription => {
    const periodStart = raw.current_billing_period?.starts_at ?? null
    const periodEnd = raw.current_billing_period?.ends_at ?? null
    return {
      id: raw.id,
      customerId: raw.customer_id,
      accountId: raw.custom_data,
      status: raw.status,
      // One-off items of a first bill stay listed; they are no part of what is subscribed to.
      items: raw.items
        .filter((item) => item.recurring !== false)
        .map((item) => ({ priceId: item.price.id, periodStart, periodEnd })),
      cancelsAt: raw.scheduled_change?.action === 'cancel' ? raw.scheduled_change.effective_at : null
    }
  })
