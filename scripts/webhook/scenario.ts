/** WEBHOOK_EVENTS are the moments of a subscription's life that the builders know, in words common to all processors. */
export const WEBHOOK_EVENTS = [
  'checkout',
  'created',
  'updated',
  'renewed',
  'past_due',
  'paused',
  'resumed',
  'canceled',
  'payment_failed',
  'paid'
] as const

/** WebhookEvent is one of {@link WEBHOOK_EVENTS}. */
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** Interval is how long a billing period is. */
export type Interval = 'month' | 'year'

/**
 * Scenario is all that a builder needs for one faithful payload. `shape` is the API version's: `old` 2020-03-02,
 * `current` 2026-10-28 (Stripe only; the others have one). `amountMinor` is in the currency's smallest unit. `sellerId` is the
 * Razorpay account that sends it (default: the twin's).
 */
export type Scenario = {
  event: WebhookEvent
  eventId: string
  occurredAt: Date
  accountId: string
  customerId: string
  subscriptionId: string
  priceId: string
  interval: Interval
  periodStart: Date
  periodEnd: Date
  amountMinor: number
  shape: 'old' | 'current'
  sellerId?: string | undefined
}

/** Payload is a webhook's body before it is written as JSON. */
export type Payload = Record<string, unknown>

/** addInterval is one month or year later in UTC; where that month is too short, its last day (31 January, 28 February). */
export function addInterval(start: Date, interval: Interval): Date {
  const months = start.getUTCMonth() + (interval === 'year' ? 12 : 1)
  const end = new Date(start)
  end.setUTCMonth(months, 1)
  const lastDay = new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + 1, 0)).getUTCDate()
  end.setUTCDate(Math.min(start.getUTCDate(), lastDay))
  return end
}
