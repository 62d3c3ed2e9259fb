import type Stripe from 'stripe'
import { z } from 'zod'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent, EventRank, Normalised } from '../../billing-event.ts'
import { eventOf, identifier, ignored, NO_TIME, readName, readObject, rejected } from '../../payload.ts'
import type { Envelope } from '../../payload.ts'
import { checkoutSession } from './checkout.ts'
import { invoice } from './invoice.ts'
import { dispute, refund } from './reversal.ts'
import { eventWith, paymentObject, reference, seconds } from './shape.ts'
import { subscription } from './subscription.ts'
import type { StripeSubscription } from './subscription.ts'

type EventType = Stripe.WebhookEndpointCreateParams.EnabledEvent
type Handler = (body: object, envelope: Envelope) => Normalised

const HANDLED: [EventType, Handler][] = [
  ['checkout.session.completed', checkoutCompleted],
  ['checkout.session.async_payment_succeeded', checkoutCompleted],
  ['customer.subscription.created', subscriptionState(EVENT_RANK.created)],
  ['customer.subscription.updated', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.paused', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.resumed', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.pending_update_applied', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.pending_update_expired', subscriptionState(EVENT_RANK.updated)],
  ['customer.subscription.deleted', subscriptionState(EVENT_RANK.ended)],
  ['invoice.paid', invoicePayment('paid')],
  ['invoice.payment_failed', invoicePayment('failed')],
  ['invoice_payment.paid', invoiceSettled],
  ['refund.created', reversalOf('refund', EVENT_RANK.created)],
  ['refund.updated', reversalOf('refund', EVENT_RANK.updated)],
  ['refund.failed', reversalOf('refund', EVENT_RANK.updated)],
  ['charge.dispute.created', reversalOf('dispute', EVENT_RANK.created)],
  ['charge.dispute.updated', reversalOf('dispute', EVENT_RANK.updated)],
  ['charge.dispute.funds_withdrawn', reversalOf('dispute', EVENT_RANK.updated)],
  ['charge.dispute.funds_reinstated', reversalOf('dispute', EVENT_RANK.updated)],
  ['charge.dispute.closed', reversalOf('dispute', EVENT_RANK.ended)],
  ['customer.deleted', customerDeleted]
]

/** HANDLERS: a Map, because an event type named `constructor` must find nothing. */
const HANDLERS = new Map<string, Handler>(HANDLED)

/** HANDLED_TYPES are the event types that Parley acts on: what its webhook endpoint subscribes to, and what it lists. */
export const HANDLED_TYPES: readonly EventType[] = HANDLED.map(([type]) => type)

/** PASSED_OVER: types that sound as if they mattered, and why they are not needed. */
const PASSED_OVER = new Map<string, string>([
  ['charge.refunded', 'its amount is that of all refunds together: each refund object tells its own'],
  ['checkout.session.expired', 'nobody paid: the checkout is released by its own time limit'],
  ['checkout.session.async_payment_failed', 'the subscription and its invoice tell that the payment failed']
])

const envelopeFields = z.object({
  id: z.unknown().optional(),
  type: z.unknown().optional(),
  object: z.unknown().optional(),
  livemode: z.unknown().optional(),
  created: z.union([seconds, z.iso.datetime()]).catch(NO_TIME)
})

const subscriptionEvent = eventWith(subscription)
const invoiceEvent = eventWith(invoice)
const checkoutEvent = eventWith(checkoutSession)
const settledEvent = eventWith(z.object({ object: z.literal('invoice_payment'), invoice: reference, payment: paymentObject }))
const reversalEvents = { refund: eventWith(refund), dispute: eventWith(dispute) }
const customerEvent = eventWith(z.object({ object: z.literal('customer'), id: identifier }))

/**
 * normaliseStripe implements {@link Processor.normalise} for snapshot events of any API version since 2020-03-02. With
 * `livemode` (null: unknown) events of the other mode are ignored: test events are signed too, and move no money.
 */
export function normaliseStripe(rawBody: string, livemode: boolean | null): Normalised {
  const body = readObject(rawBody)
  const fields = envelopeFields.parse(body)
  const envelope = {
    eventId: readName(fields.id, 'event id'),
    eventType: readName(fields.type, 'event type'),
    occurredAt: fields.created
  }
  if (livemode !== null && typeof fields.livemode === 'boolean' && fields.livemode !== livemode) {
    const modes = livemode ? ['test', 'live'] : ['live', 'test']
    return ignored(envelope, `an event of ${modes[0]} mode, and the API key is of ${modes[1]} mode`)
  }
  if (fields.object === 'v2.core.event') {
    return ignored(envelope, 'a thin event carries no state: the snapshot event of the same change does')
  }
  const handler = HANDLERS.get(envelope.eventType)
  if (handler) return handler(body, envelope)
  return ignored(envelope, PASSED_OVER.get(envelope.eventType) ?? 'Parley does not act on this event type')
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

/** invoiceSettled says by which payment an invoice was paid, because refunds and disputes name only that. */
function invoiceSettled(body: object, envelope: Envelope): Normalised {
  const parsed = settledEvent.safeParse(body)
  if (!parsed.success) return rejected(envelope, parsed.error)
  const { invoice: paymentId, payment: objectIds } = parsed.data.data.object
  if (objectIds.length === 0) return ignored(envelope, 'the invoice was paid outside of Stripe')
  return { outcome: 'event', event: eventOf('stripe', envelope, { kind: 'link', rank: EVENT_RANK.payment, paymentId, objectIds }) }
}

function reversalOf(kind: 'refund' | 'dispute', rank: EventRank): Handler {
  return (body, envelope) => {
    const parsed = reversalEvents[kind].safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    return { outcome: 'event', event: eventOf('stripe', envelope, { kind, rank, ...parsed.data.data.object }) }
  }
}

function customerDeleted(body: object, envelope: Envelope): Normalised {
  const parsed = customerEvent.safeParse(body)
  if (!parsed.success) return rejected(envelope, parsed.error)
  const customerId = parsed.data.data.object.id
  return { outcome: 'event', event: eventOf('stripe', envelope, { kind: 'closed', rank: EVENT_RANK.ended, customerId }) }
}
