import { TWIN_ACCOUNT_ID } from '../twin/razorpay/context.ts'
import type { Payload, Scenario, WebhookEvent } from './scenario.ts'

/**
 * TYPES: which event Razorpay sends. A renewal is told by its payment alone, `subscription.charged`; `checkout` is the
 * card's authentication, before the first payment.
 */
const TYPES: Record<WebhookEvent, string> = {
  checkout: 'subscription.authenticated',
  created: 'subscription.activated',
  updated: 'subscription.updated',
  renewed: 'subscription.charged',
  past_due: 'subscription.pending',
  paused: 'subscription.paused',
  resumed: 'subscription.resumed',
  canceled: 'subscription.cancelled',
  payment_failed: 'payment.failed',
  paid: 'subscription.charged'
}

const STATUS: Partial<Record<WebhookEvent, string>> = {
  checkout: 'authenticated',
  past_due: 'pending',
  paused: 'paused',
  canceled: 'cancelled'
}

/** What setup and checkout give a subscription: ten years of months, or of years. */
const TOTAL_COUNT = { month: 120, year: 10 }

/** razorpayEvent builds a webhook's body as Razorpay sends it; its event id is not part of it. */
export function razorpayEvent(scenario: Scenario): Payload {
  const parts = partsOf(scenario)
  return {
    entity: 'event',
    account_id: scenario.sellerId ?? TWIN_ACCOUNT_ID,
    event: TYPES[scenario.event],
    contains: Object.keys(parts),
    payload: Object.fromEntries(Object.entries(parts).map(([name, entity]) => [name, { entity }])),
    created_at: unix(scenario.occurredAt)
  }
}

function partsOf(scenario: Scenario): Payload {
  if (scenario.event === 'payment_failed') return { payment: razorpayPayment(scenario) }
  const subscription = razorpaySubscription(scenario)
  const isCharged = scenario.event === 'paid' || scenario.event === 'renewed'
  return isCharged ? { subscription, payment: razorpayPayment(scenario) } : { subscription }
}

/** razorpaySubscription builds a subscription entity; an authenticated one was not charged yet and has no period. */
export function razorpaySubscription(scenario: Scenario): Payload {
  const isWaiting = scenario.event === 'checkout'
  const isEnded = scenario.event === 'canceled'
  const [start, end] = [unix(scenario.periodStart), unix(scenario.periodEnd)]
  const total = TOTAL_COUNT[scenario.interval]
  return {
    id: scenario.subscriptionId,
    entity: 'subscription',
    plan_id: scenario.priceId,
    customer_id: scenario.customerId,
    status: STATUS[scenario.event] ?? 'active',
    current_start: isWaiting ? null : start,
    current_end: isWaiting ? null : end,
    ended_at: isEnded ? unix(scenario.occurredAt) : null,
    quantity: 1,
    notes: { account_id: scenario.accountId },
    charge_at: isWaiting ? start : isEnded ? null : end,
    start_at: isWaiting ? unix(scenario.occurredAt) : start,
    end_at: null,
    auth_attempts: scenario.event === 'past_due' ? 1 : 0,
    total_count: total,
    paid_count: isWaiting ? 0 : 1,
    customer_notify: true,
    created_at: start,
    expire_by: null,
    short_url: null,
    has_scheduled_changes: false,
    change_scheduled_at: null,
    source: 'api',
    remaining_count: isWaiting ? total : total - 1
  }
}

/** razorpayPayment builds the payment of a charge. Like Razorpay's it names no subscription. */
function razorpayPayment(scenario: Scenario): Payload {
  const isFailed = scenario.event === 'payment_failed'
  const name = scenario.eventId.slice(4)
  return {
    id: `pay_${name}`,
    entity: 'payment',
    amount: scenario.amountMinor,
    currency: 'USD',
    status: isFailed ? 'failed' : 'captured',
    order_id: `order_${name}`,
    invoice_id: `inv_${name}`,
    international: true,
    method: 'card',
    amount_refunded: 0,
    refund_status: null,
    captured: !isFailed,
    description: null,
    customer_id: scenario.customerId,
    notes: [],
    error_code: isFailed ? 'BAD_REQUEST_ERROR' : null,
    error_reason: isFailed ? 'payment_declined' : null,
    created_at: unix(scenario.occurredAt)
  }
}

function unix(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
