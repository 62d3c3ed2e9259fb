import { EVENT_RANK, type EventRank, type SubscriptionStatus } from '../../../server/src/billing/billing-event.ts'
import { stripeEvent, stripeSubscription } from '../../webhook/stripe-events.ts'
import { stripeInvoice } from '../../webhook/stripe-invoice.ts'
import type { Held, StormEvent } from './facts.ts'
import { ownerOf, scenarioOf, type Telling, toldState } from './scenario-of.ts'

type StateEvent = 'created' | 'updated' | 'paused' | 'resumed' | 'canceled'

const RANK: Record<StateEvent, EventRank> = {
  created: EVENT_RANK.created,
  updated: EVENT_RANK.updated,
  paused: EVENT_RANK.updated,
  resumed: EVENT_RANK.updated,
  canceled: EVENT_RANK.ended
}

/** stripeState is `customer.subscription.*`; `isUnpaid`: paused is worded `unpaid`, Stripe's end of all dunning. */
export function stripeState(held: Held, telling: Telling & { event: StateEvent; isUnpaid?: boolean }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  const status: SubscriptionStatus = telling.event === 'canceled' ? 'canceled' : now.status
  return {
    ...ownerOf(now),
    eventId: telling.eventId,
    atMs: telling.atMs,
    rank: RANK[telling.event],
    told: toldState(now, { status }),
    body() {
      const scenario = scenarioOf(now, telling)
      const object = {
        ...stripeSubscription(scenario),
        status: telling.isUnpaid ? 'unpaid' : status,
        cancel_at: now.cancelsAtMs === null ? null : now.cancelsAtMs / 1000,
        cancel_at_period_end: now.cancelsAtMs !== null,
        trial_end: now.trialEndsAtMs === null ? null : now.trialEndsAtMs / 1000
      }
      return JSON.stringify({ ...stripeEvent(scenario), data: { object } })
    }
  }
}

/** stripePayment is `invoice.paid` or `invoice.payment_failed`; one that is not `isOpening` bills a proration and no period. */
export function stripePayment(
  held: Held,
  telling: Telling & { event: 'paid' | 'payment_failed'; amountMinor: number; isOpening: boolean; isFirst?: boolean }
): StormEvent {
  const now = { ...held, period: { ...held.period } }
  const { isOpening, amountMinor } = telling
  const payment = telling.event === 'paid' ? 'paid' : 'failed'
  return {
    ...ownerOf(now),
    eventId: telling.eventId,
    atMs: telling.atMs,
    rank: EVENT_RANK.payment,
    told: {
      kind: 'payment',
      payment,
      plan: isOpening ? now.plan : null,
      period: isOpening ? now.period : null,
      amountMinor,
      paymentId: stripePaymentId(telling.eventId)
    },
    body() {
      const scenario = scenarioOf(now, telling)
      const reason = isOpening ? (telling.isFirst ? 'subscription_create' : 'subscription_cycle') : 'subscription_update'
      const object = { ...stripeInvoice(scenario), billing_reason: reason }
      return JSON.stringify({ ...stripeEvent(scenario), data: { object } })
    }
  }
}

/** stripePaymentId is the invoice that a payment event with this id is about. */
export function stripePaymentId(eventId: string): string {
  return `in_${eventId.slice(4)}`
}

/** stripeCheckout is `checkout.session.completed`, which ties the subscription and its customer to the account. */
export function stripeCheckout(held: Held, telling: { atMs: number; eventId: string }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  return {
    ...ownerOf(now),
    ...telling,
    rank: EVENT_RANK.created,
    told: { kind: 'link' },
    body: () => JSON.stringify(stripeEvent(scenarioOf(now, { ...telling, event: 'checkout' })))
  }
}
