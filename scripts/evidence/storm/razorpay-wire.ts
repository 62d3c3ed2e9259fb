import { createHash } from 'node:crypto'
import {
  EVENT_RANK,
  type EventRank,
  type ReversalStatus,
  type SubscriptionStatus
} from '../../../server/src/billing/billing-event.ts'
import { TWIN_ACCOUNT_ID } from '../../twin/razorpay/context.ts'
import { razorpayEvent, razorpaySubscription } from '../../webhook/razorpay-events.ts'
import type { Payload } from '../../webhook/scenario.ts'
import type { Held, Payment, StormEvent } from './facts.ts'
import { ownerOf, scenarioOf, type Telling, toldState } from './scenario-of.ts'

type StateEvent = 'checkout' | 'created' | 'updated' | 'past_due' | 'paused' | 'resumed' | 'canceled'

/** RANK: an authentication comes first; an activation is the first payment's, before updates of the same second. */
const RANK: Record<StateEvent, EventRank> = {
  checkout: EVENT_RANK.created,
  created: EVENT_RANK.payment,
  updated: EVENT_RANK.updated,
  past_due: EVENT_RANK.updated,
  paused: EVENT_RANK.updated,
  resumed: EVENT_RANK.updated,
  canceled: EVENT_RANK.ended
}

/** WIRE_STATUS is Razorpay's word; an incomplete one is authenticated and not charged yet. */
const WIRE_STATUS: Record<SubscriptionStatus, string> = {
  incomplete: 'authenticated',
  trialing: 'authenticated',
  active: 'active',
  past_due: 'pending',
  paused: 'paused',
  canceled: 'cancelled'
}

/** razorpayState is `subscription.*` but the charge. Its id is the hash of its body (docs/decisions/0006). */
export function razorpayState(held: Held, telling: Telling & { event: StateEvent }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  const status: SubscriptionStatus = telling.event === 'canceled' ? 'canceled' : now.status
  return known({
    ...ownerOf(now),
    atMs: telling.atMs,
    rank: RANK[telling.event],
    told: toldState(now, { status, hasPeriod: telling.event !== 'checkout' }),
    body() {
      const scenario = scenarioOf(now, telling)
      const entity = { ...razorpaySubscription(scenario), status: WIRE_STATUS[status] }
      return JSON.stringify({ ...razorpayEvent(scenario), payload: { subscription: { entity } } })
    }
  })
}

/** razorpayCharge is `subscription.charged`: the payment of a period, and what opens it. */
export function razorpayCharge(held: Held, telling: Telling & { amountMinor: number }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  return known({
    ...ownerOf(now),
    atMs: telling.atMs,
    rank: EVENT_RANK.payment,
    told: {
      kind: 'payment',
      payment: 'paid',
      plan: now.plan,
      period: now.period,
      amountMinor: telling.amountMinor,
      paymentId: razorpayPaymentId(telling.eventId)
    },
    body: () => JSON.stringify(razorpayEvent(scenarioOf(now, { ...telling, event: 'paid' })))
  })
}

/** razorpayPaymentId is the payment that a charge told with this id is about. */
export function razorpayPaymentId(eventId: string): string {
  return `pay_${eventId.slice(4)}`
}

/** razorpayFailed is `payment.failed`, which Parley does not act on: it names no subscription. */
export function razorpayFailed(held: Held, telling: { atMs: number; eventId: string }): StormEvent {
  const now = { ...held, period: { ...held.period } }
  return known({
    ...ownerOf(now),
    subscriptionId: null,
    atMs: telling.atMs,
    rank: EVENT_RANK.updated,
    told: { kind: 'ignored' },
    body: () => JSON.stringify(razorpayEvent(scenarioOf(now, { ...telling, event: 'payment_failed' })))
  })
}

/** RazorpayReversal: `type` is the event, `status` the entity's. */
export type RazorpayReversal = {
  id: string
  kind: 'refund' | 'dispute'
  type: string
  rank: EventRank
  status: string
  standing: ReversalStatus
  amountMinor: number
}

/** razorpayReversal is `refund.*` or `payment.dispute.*`; it names the payment, and nothing of the subscription. */
export function razorpayReversal(held: Held, payment: Payment, reversal: RazorpayReversal, atMs: number): StormEvent {
  const { id, kind, type, rank, status, standing, amountMinor } = reversal
  const entity = {
    id,
    entity: kind,
    amount: amountMinor,
    currency: 'USD',
    payment_id: payment.paymentId,
    status,
    ...(kind === 'dispute'
      ? { phase: 'chargeback', reason_code: 'chargeback_authorisation_failed' }
      : { notes: [], speed_processed: 'normal' }),
    created_at: Math.floor(atMs / 1000)
  }
  return known({
    ...ownerOf(held),
    subscriptionId: null,
    customerId: null,
    atMs,
    rank,
    told: { kind, reversalId: id, standing, amountMinor, paymentId: payment.paymentId },
    body: () => JSON.stringify(envelope(type, { [kind]: { entity } }, atMs))
  })
}

function envelope(event: string, payload: Payload, atMs: number): Payload {
  return {
    entity: 'event',
    account_id: TWIN_ACCOUNT_ID,
    event,
    contains: Object.keys(payload),
    payload,
    created_at: Math.floor(atMs / 1000)
  }
}

function known(event: Omit<StormEvent, 'eventId'>): StormEvent {
  return { ...event, eventId: `body:${createHash('sha256').update(event.body()).digest('hex')}` }
}
