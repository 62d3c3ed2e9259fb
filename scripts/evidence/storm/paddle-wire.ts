import { z } from 'zod'
import { EVENT_RANK, type EventRank, type SubscriptionStatus } from '../../../server/src/billing/billing-event.ts'
import { paddleEvent, paddleSubscription } from '../../webhook/paddle-events.ts'
import type { Held, StormEvent } from './facts.ts'
import { ownerOf, scenarioOf, type Telling, toldState } from './scenario-of.ts'

type StateEvent = 'created' | 'updated' | 'past_due' | 'paused' | 'resumed' | 'canceled'

const RANK: Record<StateEvent, EventRank> = {
  created: EVENT_RANK.created,
  updated: EVENT_RANK.updated,
  past_due: EVENT_RANK.updated,
  paused: EVENT_RANK.updated,
  resumed: EVENT_RANK.updated,
  canceled: EVENT_RANK.ended
}

const fields = z.record(z.string(), z.unknown())

/** paddleState is `subscription.*`; paused and canceled ones have no period. */
export function paddleState(held: Held, telling: Telling & { event: StateEvent }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  const status: SubscriptionStatus = telling.event === 'canceled' ? 'canceled' : now.status
  const isStopped = status === 'paused' || status === 'canceled'
  return {
    ...ownerOf(now),
    eventId: telling.eventId,
    atMs: telling.atMs,
    rank: RANK[telling.event],
    told: toldState(now, { status, hasPeriod: !isStopped }),
    body() {
      const scenario = scenarioOf(now, telling)
      const change =
        now.cancelsAtMs === null ? null : { action: 'cancel', effective_at: micros(now.cancelsAtMs), resume_at: null }
      const data = {
        ...paddleSubscription(scenario),
        status,
        scheduled_change: change,
        ...(isStopped ? { current_billing_period: null, next_billed_at: null } : {})
      }
      return JSON.stringify({ ...paddleEvent(scenario), data })
    }
  }
}

/** paddlePayment is `transaction.completed`; one that is not `isOpening` bills the difference of an update and no period. */
export function paddlePayment(held: Held, telling: Telling & { amountMinor: number; isOpening: boolean }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  const { isOpening, amountMinor } = telling
  return {
    ...ownerOf(now),
    eventId: telling.eventId,
    atMs: telling.atMs,
    rank: EVENT_RANK.payment,
    told: {
      kind: 'payment',
      payment: 'paid',
      plan: isOpening ? now.plan : null,
      period: isOpening ? now.period : null,
      amountMinor,
      paymentId: paddlePaymentId(telling.eventId)
    },
    body() {
      const event = paddleEvent(scenarioOf(now, telling))
      const origin = isOpening ? 'subscription_recurring' : 'subscription_update'
      return JSON.stringify({ ...event, data: { ...fields.parse(event['data']), origin } })
    }
  }
}

/** paddlePaymentId is the transaction that an event with this id is about. */
export function paddlePaymentId(eventId: string): string {
  return `txn_${eventId.slice(4)}`
}

/** paddleCheckout is the purchase that precedes its subscription: it ties the customer to the account. */
export function paddleCheckout(held: Held, telling: { atMs: number; eventId: string }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  return {
    ...ownerOf(now),
    subscriptionId: null,
    ...telling,
    rank: EVENT_RANK.created,
    told: { kind: 'link' },
    body: () => JSON.stringify(paddleEvent(scenarioOf(now, { ...telling, event: 'checkout' })))
  }
}

/** paddleFailed is `transaction.payment_failed`, which Parley does not act on: `subscription.past_due` tells the same. */
export function paddleFailed(held: Held, telling: { atMs: number; eventId: string }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  return {
    ...ownerOf(now),
    ...telling,
    rank: EVENT_RANK.updated,
    told: { kind: 'ignored' },
    body: () => JSON.stringify(paddleEvent(scenarioOf(now, { ...telling, event: 'payment_failed' })))
  }
}

/** micros is RFC 3339 with six decimals, as Paddle writes its times. */
export function micros(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}
