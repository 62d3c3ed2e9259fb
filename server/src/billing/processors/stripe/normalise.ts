import { z } from 'zod'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent, EventRank, Normalised } from '../../billing-event.ts'
import { eventOf, ignored, NO_TIME, readName, readObject, rejected } from '../../payload.ts'
import type { Envelope } from '../../payload.ts'
import { checkoutSession } from './checkout.ts'
import { invoice } from './invoice.ts'
import { eventWith, seconds } from './shape.ts'
import { subscription } from './subscription.ts'
import type { StripeSubscription } from './subscription.ts'

type Handler = (body: object, envelope: Envelope) => Normalised

/** HANDLERS: a Map, because an event type named `constructor` must find nothing. */
const HANDLERS = new Map<string, Handler>([
  ['checkout.session.completed', checkoutCompleted],
  ['customer.subscription.created', subscriptionState(EVENT_RANK.created)],
  ['customer.subscription.updated', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.paused', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.resumed', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.deleted', subscriptionState(EVENT_RANK.ended)],
  ['invoice.paid', invoicePayment('paid')],
  ['invoice.payment_failed', invoicePayment('failed')]
])

const envelopeFields = z.object({
  id: z.unknown().optional(),
  type: z.unknown().optional(),
  object: z.unknown().optional(),
  created: z.union([seconds, z.iso.datetime()]).catch(NO_TIME)
})

const subscriptionEvent = eventWith(subscription)
const invoiceEvent = eventWith(invoice)
const checkoutEvent = eventWith(checkoutSession)

/** normaliseStripe implements {@link Processor.normalise} for snapshot events of any API version since 2020-03-02. */
export function normaliseStripe(rawBody: string): Normalised {
  const body = readObject(rawBody)
  const fields = envelopeFields.parse(body)
  const envelope = {
    eventId: readName(fields.id, 'event id'),
    eventType: readName(fields.type, 'event type'),
    occurredAt: fields.created
  }
  if (fields.object === 'v2.core.event') {
    return ignored(envelope, 'a thin event carries no state: the snapshot event of the same change does')
  }
  const handler = HANDLERS.get(envelope.eventType)
  return handler ? handler(body, envelope) : ignored(envelope, 'Parley does not act on this event type')
}

/** stateOf words a subscription object as a billing event. */
export function stateOf(envelope: Envelope, rank: EventRank, state: StripeSubscription): BillingEvent {
  const { id, ...facts } = state
  // A deletion is the end whatever status the object still carries.
  const status = rank === EVENT_RANK.ended ? 'canceled' : state.status
  return eventOf('stripe', envelope, { kind: 'state', rank, ...facts, subscriptionId: id, status })
}

function subscriptionState(rank: EventRank): Handler {
  return (body, envelope) => {
    const parsed = subscriptionEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    return { outcome: 'event', event: stateOf(envelope, rank, parsed.data.data.object) }
  }
}

function invoicePayment(payment: 'paid' | 'failed'): Handler {
  return (body, envelope) => {
    const parsed = invoiceEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    const { amountPaid, amountDue, ...facts } = parsed.data.data.object
    if (facts.subscriptionId === null) return ignored(envelope, 'the invoice belongs to no subscription')
    const amountMinor = payment === 'paid' ? amountPaid : amountDue
    const event = eventOf('stripe', envelope, { kind: 'payment', rank: EVENT_RANK.payment, ...facts, payment, amountMinor })
    return { outcome: 'event', event }
  }
}

/** checkoutCompleted only links: whether it was paid, and for what, is told by the invoice and the subscription. */
function checkoutCompleted(body: object, envelope: Envelope): Normalised {
  const parsed = checkoutEvent.safeParse(body)
  if (!parsed.success) return rejected(envelope, parsed.error)
  const { mode, ...facts } = parsed.data.data.object
  if (mode !== 'subscription') return ignored(envelope, 'the checkout was not for a subscription')
  // A link without an account goes through on purpose: money was taken, and the database parks it where it is seen.
  return { outcome: 'event', event: eventOf('stripe', envelope, { kind: 'link', rank: EVENT_RANK.created, ...facts }) }
}
