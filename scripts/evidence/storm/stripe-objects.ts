import { EVENT_RANK, type EventRank, type ReversalStatus } from '../../../server/src/billing/billing-event.ts'
import type { Payload } from '../../webhook/scenario.ts'
import { unix } from '../../webhook/stripe-price.ts'
import type { Held, Payment, StormEvent } from './facts.ts'

/** stripeSettled is `invoice_payment.paid`: by which payment intent an invoice was paid, which is what refunds name. */
export function stripeSettled(held: Held, payment: Payment, { atMs, eventId }: { atMs: number; eventId: string }): StormEvent {
  return loose(held, { atMs, eventId, rank: EVENT_RANK.payment, told: { kind: 'link' } }, 'invoice_payment.paid', {
    id: `inpay_${eventId.slice(4)}`,
    object: 'invoice_payment',
    amount_paid: payment.amountMinor,
    amount_requested: payment.amountMinor,
    created: seconds(atMs),
    currency: 'usd',
    invoice: payment.paymentId,
    is_default: true,
    livemode: false,
    payment: { payment_intent: payment.intentId, type: 'payment_intent' },
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: seconds(atMs) }
  })
}

/** StripeReversal: `status` is Stripe's word for how it stands. */
export type StripeReversal = {
  id: string
  kind: 'refund' | 'dispute'
  type: string
  rank: EventRank
  status: string
  standing: ReversalStatus
  amountMinor: number
}

/** stripeReversal is `refund.*` or `charge.dispute.*`; it names the payment intent, and nothing of the subscription. */
export function stripeReversal(
  held: Held,
  payment: Payment,
  reversal: StripeReversal,
  { atMs, eventId }: { atMs: number; eventId: string }
): StormEvent {
  const { id, kind, type, rank, status, standing, amountMinor } = reversal
  const told = { kind, reversalId: id, standing, amountMinor, paymentId: payment.paymentId }
  return loose(held, { atMs, eventId, rank, told }, type, {
    id,
    object: kind,
    amount: amountMinor,
    charge: null,
    created: seconds(atMs),
    currency: 'usd',
    livemode: false,
    metadata: {},
    payment_intent: payment.intentId,
    reason: kind === 'dispute' ? 'fraudulent' : 'requested_by_customer',
    status
  })
}

/** stripeCustomerDeleted is `customer.deleted`: whatever the customer had subscribed to is over. */
export function stripeCustomerDeleted(held: Held, { atMs, eventId }: { atMs: number; eventId: string }): StormEvent {
  const event = loose(
    held,
    { atMs, eventId, rank: EVENT_RANK.ended, told: { kind: 'closed', whom: 'customer' } },
    'customer.deleted',
    { id: held.customerId, object: 'customer', created: seconds(held.anchorMs), currency: 'usd', livemode: false, metadata: {} }
  )
  return { ...event, customerId: held.customerId }
}

/** stripeIgnored is an event that Stripe sends and Parley does not act on. */
export function stripeIgnored(held: Held, { atMs, eventId }: { atMs: number; eventId: string }): StormEvent {
  return loose(held, { atMs, eventId, rank: EVENT_RANK.updated, told: { kind: 'ignored' } }, 'payment_method.attached', {
    id: `pm_${eventId.slice(4)}`,
    object: 'payment_method',
    created: seconds(atMs),
    customer: held.customerId,
    livemode: false,
    type: 'card'
  })
}

function loose(
  { accountId }: Held,
  facts: Pick<StormEvent, 'atMs' | 'eventId' | 'rank' | 'told'>,
  type: string,
  object: Payload
): StormEvent {
  return {
    source: 'stripe',
    accountId,
    customerId: null,
    subscriptionId: null,
    ...facts,
    body: () =>
      JSON.stringify({
        id: facts.eventId,
        object: 'event',
        api_version: '2026-10-28.endive',
        created: seconds(facts.atMs),
        data: { object },
        livemode: false,
        pending_webhooks: 1,
        request: { id: null, idempotency_key: null },
        type
      })
  }
}

function seconds(ms: number): number {
  return unix(new Date(ms))
}
