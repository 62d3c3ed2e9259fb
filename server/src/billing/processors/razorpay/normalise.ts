import { createHash } from 'node:crypto'
import { z } from 'zod'
import { EVENT_RANK } from '../../billing-event.ts'
import type { EventRank, Normalised, ReversalStatus } from '../../billing-event.ts'
import { eventOf, ignored, NO_TIME, readName, readObject, rejected } from '../../payload.ts'
import type { Envelope } from '../../payload.ts'
import { dispute, payer, payment, refund, standingOf } from './money.ts'
import { eventWith, seconds, wrapped } from './shape.ts'
import { stateOf, subscription } from './subscription.ts'

type Handler = (body: object, envelope: Envelope) => Normalised

/**
 * HANDLERS: a Map, because an event type named `constructor` must find nothing. Ranks below those of updates put events of
 * one second in the order in which they come about: a subscription that starts at once is authenticated, activated
 * and charged; one whose trial ends with a card that fails is activated, then pending.
 */
const HANDLERS = new Map<string, Handler>([
  ['subscription.authenticated', subscriptionState(EVENT_RANK.created)],
  ['subscription.activated', subscriptionState(EVENT_RANK.payment)],
  ['subscription.charged', subscriptionCharged],
  ['subscription.pending', subscriptionState(EVENT_RANK.updated)],
  ['subscription.halted', subscriptionState(EVENT_RANK.updated)],
  ['subscription.paused', subscriptionState(EVENT_RANK.updated)],
  ['subscription.resumed', subscriptionState(EVENT_RANK.updated)],
  ['subscription.updated', subscriptionState(EVENT_RANK.updated)],
  ['subscription.cancelled', subscriptionState(EVENT_RANK.ended)],
  ['subscription.completed', subscriptionState(EVENT_RANK.ended)],
  ['subscription.expired', subscriptionState(EVENT_RANK.ended)],
  // A refund that is processed at once is told of twice in one second.
  ['refund.created', refundNews(EVENT_RANK.created)],
  ['refund.processed', refundNews(EVENT_RANK.updated)],
  ['refund.failed', refundNews(EVENT_RANK.updated)],
  ['payment.dispute.created', disputeNews(EVENT_RANK.created, 'reversed')],
  ['payment.dispute.under_review', disputeNews(EVENT_RANK.updated, 'reversed')],
  ['payment.dispute.action_required', disputeNews(EVENT_RANK.updated, 'reversed')],
  ['payment.dispute.won', disputeNews(EVENT_RANK.ended, 'restored')],
  ['payment.dispute.lost', disputeNews(EVENT_RANK.ended, 'reversed')],
  // Only a suspected fraud is closed, with an answer to the bank or a refund; the refund is told of by itself.
  ['payment.dispute.closed', disputeNews(EVENT_RANK.ended, 'restored')]
])

/** ACTED_ON are the event types that a webhook has to be subscribed to. */
export const ACTED_ON: readonly string[] = [...HANDLERS.keys()]

const CHARGED_TELLS = 'the payment of a subscription is told by subscription.charged'
const REASONS = new Map([
  ['payment.authorized', CHARGED_TELLS],
  ['payment.captured', CHARGED_TELLS],
  ['order.paid', CHARGED_TELLS],
  ['invoice.paid', CHARGED_TELLS],
  ['payment.failed', 'a failed payment names no subscription: subscription.pending and subscription.halted tell of it']
])

const envelopeFields = z.object({
  event: z.unknown().optional(),
  account_id: z.unknown().optional(),
  created_at: seconds.nullable().catch(null),
  // Where one of the documented samples of subscription.activated has the time.
  payload: z.object({ created_at: seconds.nullable().catch(null) }).nullable().catch(null)
})

const subscriptionEvent = eventWith({ subscription: wrapped(subscription) })
const chargedEvent = eventWith({ subscription: wrapped(subscription), payment: wrapped(payment) })
const refundEvent = eventWith({ refund: wrapped(refund), payment: payer })
const disputeEvent = eventWith({ dispute: wrapped(dispute), payment: payer })

/**
 * normaliserOf makes {@link Processor.normalise}. With an `accountId` (`acc_…`), events of other Razorpay accounts are ignored.
 *
 * The event id is the hash of the body. Razorpay's own travels in the header x-razorpay-event-id, outside of what is
 * signed: whoever captures one delivery could send it for ever under fresh ids, and whoever guesses an id could use it up
 * with another body. A retry has the same bytes; were it ever serialised anew, it would say the same state once more.
 *
 * It begins with `body:` because the database orders events of one instant and rank by their ids, as bytes: what was asked
 * for when such a tie was found (`fetch:…`) has to come after all that webhooks told, or asking would settle nothing.
 */
export function normaliserOf(accountId: string | null): (rawBody: string) => Normalised {
  return (rawBody) => {
    const body = readObject(rawBody)
    const fields = envelopeFields.parse(body)
    const occurredAt = fields.created_at ?? fields.payload?.created_at ?? null
    const envelope = {
      eventId: `body:${createHash('sha256').update(rawBody).digest('hex')}`,
      eventType: readName(fields.event, 'event type'),
      occurredAt: occurredAt ?? NO_TIME
    }
    if (accountId !== null && fields.account_id !== accountId) {
      return ignored(envelope, 'the event is of another Razorpay account than the configured one')
    }
    const handler = HANDLERS.get(envelope.eventType)
    if (!handler) return ignored(envelope, REASONS.get(envelope.eventType) ?? 'Parley does not act on this event type')
    if (occurredAt === null) return { outcome: 'rejected', ...envelope, reason: 'created_at: expected Unix seconds' }
    return handler(body, envelope)
  }
}

function subscriptionState(rank: EventRank): Handler {
  return (body, envelope) => {
    const parsed = subscriptionEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    return { outcome: 'event', event: stateOf(envelope, rank, parsed.data.payload.subscription.entity) }
  }
}

/**
 * subscriptionCharged is the renewal: a payment with its period, from which the state follows when the events of the
 * subscription are folded. An upfront amount is charged before there is a period, and a proration within the running
 * one: neither opens anything.
 */
function subscriptionCharged(body: object, envelope: Envelope): Normalised {
  const parsed = chargedEvent.safeParse(body)
  if (!parsed.success) return rejected(envelope, parsed.error)
  const paid = parsed.data.payload.subscription.entity
  const { planId: priceId, periodStart, periodEnd } = paid
  const event = eventOf('razorpay', envelope, {
    kind: 'payment',
    rank: EVENT_RANK.payment,
    accountId: paid.accountId,
    customerId: paid.customerId,
    subscriptionId: paid.id,
    payment: 'paid',
    items: periodStart === null ? [] : [{ priceId, periodStart, periodEnd }],
    ...parsed.data.payload.payment.entity
  })
  return { outcome: 'event', event }
}

function refundNews(rank: EventRank): Handler {
  return (body, envelope) => {
    const parsed = refundEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    const { refund: told, payment: customerId } = parsed.data.payload
    return { outcome: 'event', event: eventOf('razorpay', envelope, { kind: 'refund', rank, customerId, ...told.entity }) }
  }
}

function disputeNews(rank: EventRank, claimed: ReversalStatus): Handler {
  return (body, envelope) => {
    const parsed = disputeEvent.safeParse(body)
    if (!parsed.success) return rejected(envelope, parsed.error)
    const { dispute: told, payment: customerId } = parsed.data.payload
    const { isInquiry, ...facts } = told.entity
    const reversalStatus = standingOf({ isInquiry, rank, claimed })
    const event = eventOf('razorpay', envelope, { kind: 'dispute', rank, customerId, ...facts, reversalStatus })
    return { outcome: 'event', event }
  }
}
