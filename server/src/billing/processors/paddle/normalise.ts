import { z } from 'zod'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent, EventRank, Normalised } from '../../billing-event.ts'
import { eventOf, ignored, NO_TIME, readName, readObject, rejected } from '../../payload.ts'
import type { Envelope } from '../../payload.ts'
import { adjustment } from './adjustment.ts'
import { notificationWith, time } from './shape.ts'
import { subscription } from './subscription.ts'
import type { PaddleSubscription } from './subscription.ts'
import { transaction } from './transaction.ts'

type Handler = (body: object, envelope: Envelope) => Normalised

/**
 * HANDLERS: a Map, because an event type named `constructor` must find nothing. A failed payment is told by
 * `subscription.past_due`; the transaction events beside it are not needed. Paddle deletes no customers: it archives them,
 * which can be undone and ends no subscription, so that `customer.updated` says nothing to Parley.
 */
const HANDLERS = new Map<string, Handler>([
  ['subscription.created', subscriptionState(EVENT_RANK.created)],
  ['subscription.imported', subscriptionState(EVENT_RANK.created)],
  ['subscription.trialing', subscriptionState(EVENT_RANK.updated)],
  ['subscription.activated', subscriptionState(EVENT_RANK.updated)],
  ['subscription.updated', subscriptionState(EVENT_RANK.updated)],
  ['subscription.past_due', subscriptionState(EVENT_RANK.updated)],
  ['subscription.paused', subscriptionState(EVENT_RANK.updated)],
  ['subscription.resumed', subscriptionState(EVENT_RANK.updated)],
  ['subscription.canceled', subscriptionState(EVENT_RANK.ended)],
  ['transaction.completed', transactionCompleted],
  ['adjustment.created', adjustmentState(EVENT_RANK.created)],
  ['adjustment.updated', adjustmentState(EVENT_RANK.updated)]
])

/** PADDLE_EVENT_TYPES are the event types Parley acts on; a webhook destination needs no others. */
export const PADDLE_EVENT_TYPES: readonly string[] = [...HANDLERS.keys()]

const envelopeFields = z.object({
  event_id: z.unknown().optional(),
  event_type: z.unknown().optional(),
  occurred_at: time.catch(NO_TIME)
})

const subscriptionEvent = notificationWith(subscription)
const transactionEvent = notificationWith(transaction)
const adjustmentEvent = notificationWith(adjustment)

/**
 * normalisePaddle implements {@link Processor.normalise}. The id is `event_id`: `notification_id` differs per
 * destination, so that one event would count twice.
 */
export function normalisePaddle(rawBody: string): Normalised {
  const body = readObject(rawBody)
  const fields = envelopeFields.parse(body)
  const envelope = {
    eventId: readName(fields.event_id, 'event id'),
    eventType: readName(fields.event_type, 'event type'),
    occurredAt: fields.occurred_at
  }
  const handler = HANDLERS.get(envelope.eventType)
  return handler ? handler(body, envelope) : ignored(envelope, 'Parley does not act on this event type')
}

/**
 * stateOf words a subscription entity as a billing event. A creation names the transaction it was bought with, because the
 * first `transaction.completed` may come without the subscription's id.
 */
export function stateOf(envelope: Envelope, rank: EventRank, state: PaddleSubscription): BillingEvent {
  const { id, firstPayment, ...facts } = state
  // A cancellation is the end whatever status the entity still carries.
  const status = rank === EVENT_RANK.ended ? 'canceled' : state.status
  const payment = rank === EVENT_RANK.created ? firstPayment : null
  return eventOf('paddle', envelope, { kind: 'state', rank, ...facts, ...payment, subscriptionId: id, status })
}

function subscriptionState(rank: EventRank): Handler {
  return (body, envelope) => {
    const parsed = subscriptionEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    return { outcome: 'event', event: stateOf(envelope, rank, parsed.data.data) }
  }
}

/** transactionCompleted: the first purchase may precede its subscription, and then only ties the customer and itself to the account. */
function transactionCompleted(body: object, envelope: Envelope): Normalised {
  const parsed = transactionEvent.safeParse(body)
  if (!parsed.success) return rejected(envelope, parsed.error)
  const facts = parsed.data.data
  if (facts.subscriptionId !== null) {
    const event = eventOf('paddle', envelope, { kind: 'payment', rank: EVENT_RANK.payment, ...facts, payment: 'paid' })
    return { outcome: 'event', event }
  }
  const { accountId, customerId, paymentId } = facts
  if (accountId === null || customerId === null) {
    return ignored(envelope, 'the transaction belongs to no subscription and names no account with a customer')
  }
  const event = eventOf('paddle', envelope, { kind: 'link', rank: EVENT_RANK.created, accountId, customerId, paymentId })
  return { outcome: 'event', event }
}

function adjustmentState(rank: EventRank): Handler {
  return (body, envelope) => {
    const parsed = adjustmentEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    const facts = parsed.data.data
    if (facts === null) return ignored(envelope, 'a credit lowers a later bill and sends no money back')
    return { outcome: 'event', event: eventOf('paddle', envelope, { rank, ...facts }) }
  }
}
