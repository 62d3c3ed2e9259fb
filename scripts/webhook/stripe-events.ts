import type { Payload, Scenario, WebhookEvent } from './scenario.ts'
import { stripeInvoice } from './stripe-invoice.ts'
import { planOf, priceOf, unix } from './stripe-price.ts'

/**
 * TYPES: which event Stripe sends. A payment that fails at renewal is told twice, by `invoice.payment_failed` and by a
 * `customer.subscription.updated` with the new status; each is its own scenario here.
 */
const TYPES: Record<WebhookEvent, string> = {
  checkout: 'checkout.session.completed',
  created: 'customer.subscription.created',
  updated: 'customer.subscription.updated',
  renewed: 'customer.subscription.updated',
  past_due: 'customer.subscription.updated',
  paused: 'customer.subscription.paused',
  resumed: 'customer.subscription.resumed',
  canceled: 'customer.subscription.deleted',
  payment_failed: 'invoice.payment_failed',
  paid: 'invoice.paid'
}

const STATUS: Partial<Record<WebhookEvent, string>> = { past_due: 'past_due', paused: 'paused', canceled: 'canceled' }

/** stripeEvent builds a snapshot event as Stripe sends it, with the object in the scenario's shape. */
export function stripeEvent(scenario: Scenario): Payload {
  return {
    id: scenario.eventId,
    object: 'event',
    api_version: scenario.shape === 'old' ? '2020-03-02' : '2026-10-28.endive',
    created: unix(scenario.occurredAt),
    data: { object: objectOf(scenario) },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: TYPES[scenario.event]
  }
}

function objectOf(scenario: Scenario): Payload {
  if (scenario.event === 'checkout') return stripeCheckoutSession(scenario)
  if (scenario.event === 'paid' || scenario.event === 'payment_failed') return stripeInvoice(scenario)
  return stripeSubscription(scenario)
}

/** stripeSubscription builds a subscription object; its period is on the items in the current shape only. */
export function stripeSubscription(scenario: Scenario): Payload {
  const old = scenario.shape === 'old'
  const canceled = scenario.event === 'canceled'
  const endedAt = canceled ? unix(scenario.occurredAt) : null
  return {
    id: scenario.subscriptionId,
    object: 'subscription',
    application: null,
    billing_cycle_anchor: unix(scenario.periodStart),
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: endedAt,
    collection_method: 'charge_automatically',
    created: unix(scenario.periodStart),
    currency: 'usd',
    ...(old ? periodOf(scenario) : {}),
    customer: scenario.customerId,
    days_until_due: null,
    default_payment_method: null,
    ended_at: endedAt,
    items: {
      object: 'list',
      data: [
        {
          id: `si_${scenario.subscriptionId.slice(4)}`,
          object: 'subscription_item',
          created: unix(scenario.periodStart),
          ...(old ? {} : periodOf(scenario)),
          metadata: {},
          plan: planOf(scenario),
          price: priceOf(scenario),
          quantity: 1,
          subscription: scenario.subscriptionId,
          tax_rates: []
        }
      ],
      has_more: false,
      total_count: 1,
      url: `/v1/subscription_items?subscription=${scenario.subscriptionId}`
    },
    latest_invoice: `in_${scenario.subscriptionId.slice(4)}`,
    livemode: false,
    metadata: { account_id: scenario.accountId },
    pause_collection: null,
    ...(old ? { plan: planOf(scenario), quantity: 1 } : { billing_mode: { type: 'flexible' } }),
    schedule: null,
    start_date: unix(scenario.periodStart),
    status: STATUS[scenario.event] ?? 'active',
    trial_end: null,
    trial_start: null
  }
}

/** stripeCheckoutSession builds a completed and paid checkout of a subscription. */
function stripeCheckoutSession(scenario: Scenario): Payload {
  return {
    id: `cs_test_${scenario.eventId.slice(4)}`,
    object: 'checkout.session',
    amount_subtotal: scenario.amountMinor,
    amount_total: scenario.amountMinor,
    client_reference_id: scenario.accountId,
    created: unix(scenario.occurredAt),
    currency: 'usd',
    customer: scenario.customerId,
    invoice: `in_${scenario.subscriptionId.slice(4)}`,
    livemode: false,
    metadata: { account_id: scenario.accountId },
    mode: 'subscription',
    payment_intent: null,
    payment_status: 'paid',
    status: 'complete',
    subscription: scenario.subscriptionId,
    url: null
  }
}

function periodOf(scenario: Scenario): Payload {
  return { current_period_end: unix(scenario.periodEnd), current_period_start: unix(scenario.periodStart) }
}
