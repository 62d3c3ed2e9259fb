import type { Payload, Scenario, WebhookEvent } from './scenario.ts'

/** TYPES: which notification Paddle sends. A renewal is told by `subscription.updated` and `transaction.completed` both. */
const TYPES: Record<WebhookEvent, string> = {
  checkout: 'transaction.completed',
  created: 'subscription.created',
  updated: 'subscription.updated',
  renewed: 'subscription.updated',
  past_due: 'subscription.past_due',
  paused: 'subscription.paused',
  resumed: 'subscription.resumed',
  canceled: 'subscription.canceled',
  payment_failed: 'transaction.payment_failed',
  paid: 'transaction.completed'
}

const STATUS: Partial<Record<WebhookEvent, string>> = { past_due: 'past_due', paused: 'paused', canceled: 'canceled' }

/** paddleEvent builds a notification as Paddle sends it. */
export function paddleEvent(scenario: Scenario): Payload {
  return {
    event_id: scenario.eventId,
    event_type: TYPES[scenario.event],
    occurred_at: micros(scenario.occurredAt),
    notification_id: `ntf_${scenario.eventId.slice(4)}`,
    data: isTransaction(scenario.event) ? paddleTransaction(scenario) : paddleSubscription(scenario)
  }
}

function isTransaction(event: WebhookEvent): boolean {
  return event === 'checkout' || event === 'paid' || event === 'payment_failed'
}

/** paddleSubscription builds a subscription entity; paused and canceled ones have no current period. */
export function paddleSubscription(scenario: Scenario): Payload {
  const stopped = scenario.event === 'paused' || scenario.event === 'canceled'
  const start = micros(scenario.periodStart)
  const end = micros(scenario.periodEnd)
  const now = micros(scenario.occurredAt)
  return {
    id: scenario.subscriptionId,
    items: [
      {
        price: priceOf(scenario),
        product: productOf(scenario),
        status: 'active',
        quantity: 1,
        recurring: true,
        created_at: start,
        updated_at: now,
        trial_dates: null,
        next_billed_at: stopped ? null : end,
        previously_billed_at: start
      }
    ],
    status: STATUS[scenario.event] ?? 'active',
    paused_at: scenario.event === 'paused' ? now : null,
    address_id: `add_${scenario.customerId.slice(4)}`,
    created_at: start,
    started_at: start,
    updated_at: now,
    business_id: null,
    canceled_at: scenario.event === 'canceled' ? now : null,
    discount: null,
    custom_data: { account_id: scenario.accountId },
    customer_id: scenario.customerId,
    billing_cycle: { interval: scenario.interval, frequency: 1 },
    currency_code: 'USD',
    next_billed_at: stopped ? null : end,
    billing_details: null,
    collection_mode: 'automatic',
    first_billed_at: start,
    scheduled_change: null,
    current_billing_period: stopped ? null : { starts_at: start, ends_at: end }
  }
}

/** paddleTransaction builds a renewal's transaction, or for `checkout` the purchase that precedes its subscription. */
function paddleTransaction(scenario: Scenario): Payload {
  const checkout = scenario.event === 'checkout'
  const failed = scenario.event === 'payment_failed'
  const amount = String(scenario.amountMinor)
  const now = micros(scenario.occurredAt)
  return {
    id: `txn_${scenario.eventId.slice(4)}`,
    items: [{ price: priceOf(scenario), quantity: 1, proration: null }],
    origin: checkout ? 'web' : 'subscription_recurring',
    status: failed ? 'past_due' : 'completed',
    details: {
      totals: {
        tax: '0',
        total: amount,
        credit: '0',
        balance: failed ? amount : '0',
        discount: '0',
        subtotal: amount,
        grand_total: amount,
        currency_code: 'USD'
      },
      line_items: [{ price_id: scenario.priceId, quantity: 1, totals: { total: amount, subtotal: amount } }]
    },
    payments: [{ amount, status: failed ? 'error' : 'captured', error_code: failed ? 'declined' : null, created_at: now }],
    billed_at: now,
    address_id: `add_${scenario.customerId.slice(4)}`,
    created_at: now,
    updated_at: now,
    business_id: null,
    custom_data: { account_id: scenario.accountId },
    customer_id: scenario.customerId,
    discount_id: null,
    currency_code: 'USD',
    billing_period: checkout ? null : { starts_at: micros(scenario.periodStart), ends_at: micros(scenario.periodEnd) },
    collection_mode: 'automatic',
    subscription_id: checkout ? null : scenario.subscriptionId
  }
}

function priceOf(scenario: Scenario): Payload {
  return {
    id: scenario.priceId,
    product_id: `pro_${scenario.priceId.slice(4)}`,
    description: 'Parley',
    name: 'Parley',
    type: 'standard',
    status: 'active',
    tax_mode: 'account_setting',
    quantity: { minimum: 1, maximum: 1 },
    unit_price: { amount: String(scenario.amountMinor), currency_code: 'USD' },
    unit_price_overrides: [],
    trial_period: null,
    billing_cycle: { interval: scenario.interval, frequency: 1 },
    custom_data: null,
    created_at: micros(scenario.periodStart),
    updated_at: micros(scenario.periodStart)
  }
}

function productOf(scenario: Scenario): Payload {
  return {
    id: `pro_${scenario.priceId.slice(4)}`,
    name: 'Parley',
    type: 'standard',
    status: 'active',
    description: null,
    image_url: null,
    tax_category: 'standard',
    custom_data: null,
    created_at: micros(scenario.periodStart),
    updated_at: micros(scenario.periodStart)
  }
}

/** micros is RFC 3339 with six decimals, as Paddle writes its times. */
function micros(date: Date): string {
  return date.toISOString().replace('Z', '000Z')
}
