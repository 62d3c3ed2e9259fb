import type { SubscriptionStatus } from '../../../server/src/billing/billing-event.ts'
import type { Period } from './calendar.ts'
import type { PaidPlan, StormEvent, Told } from './facts.ts'

/** OpenedPeriod is a period that was confirmed, and the event by which, first in the order of its processor's clock. */
export type OpenedPeriod = Period & { openedBy: string }

/** SubscriptionState is what must be known of a subscription once all events have arrived, in whatever order. */
export type SubscriptionState = {
  source: string
  subscriptionId: string
  accountId: string
  status: SubscriptionStatus
  plan: PaidPlan | null
  period: Period | null
  cancelsAtMs: number | null
  pastDueSinceMs: number | null
  asOfEventId: string
  asOfMs: number
  opened: OpenedPeriod[]
  suspendedBy: string | null
}

type StateTold = Extract<Told, { kind: 'state' }>
type PaymentTold = Extract<Told, { kind: 'payment' }>
type ReversalTold = Extract<Told, { kind: 'refund' | 'dispute' }>
type Of<Kind> = StormEvent & { told: Kind }

/** inOrder compares events as ARCHITECTURE.md has it: by provider time, rank, and event id (as bytes). */
export function inOrder(a: StormEvent, b: StormEvent): number {
  return a.atMs - b.atMs || a.rank - b.rank || Buffer.compare(Buffer.from(a.eventId), Buffer.from(b.eventId))
}

/**
 * subscriptionState is the reference model of one subscription. It is written from the documents (ARCHITECTURE.md,
 * docs/decisions/0003, what a BillingEvent means) and asks no SQL: the latest state an event tells, and what money did since.
 *
 * - What once ended stays ended, by a cancellation or the deletion of its customer (`goneAtMs`).
 * - Money for a period, once it failed, makes active or trialing past due; once it arrived, past due or incomplete active.
 *   Money without a period, or for one before the known, moves nothing; none revives what is paused.
 * - The period is the latest one that a live state or its money has told; a null erases nothing.
 */
export function subscriptionState(events: readonly StormEvent[], goneAtMs: number | null): SubscriptionState | null {
  const told = events.filter((event) => isStateOrPayment(event)).sort(inOrder)
  const last = told.at(-1)
  if (last === undefined || last.subscriptionId === null) return null
  const isOver = (event: StormEvent): boolean =>
    (event.told.kind === 'state' && event.told.status === 'canceled') || (goneAtMs !== null && event.atMs >= goneAtMs)
  const ending = told.findIndex(isOver)
  const lived = ending < 0 ? told : told.slice(0, ending)
  const end = told[ending]
  const course = courseOf(lived)
  const isEnded = ending >= 0 || goneAtMs !== null
  // A cancellation still tells what was planned; one by the customer's deletion tells nothing.
  const spoken = [...lived, ...(end !== undefined && (goneAtMs === null || end.atMs < goneAtMs) ? [end] : [])].findLast(isState)
  return {
    source: last.source,
    subscriptionId: last.subscriptionId,
    accountId: last.accountId,
    status: isEnded ? 'canceled' : (course.status ?? 'incomplete'),
    plan: told.findLast(isState)?.told.plan ?? null,
    period: course.period,
    cancelsAtMs: spoken?.told.cancelsAtMs ?? null,
    pastDueSinceMs: isEnded ? null : course.pastDueSinceMs,
    asOfEventId: last.eventId,
    asOfMs: last.atMs,
    opened: course.opened,
    suspendedBy: suspensionOf(events)
  }
}

type Course = { status: SubscriptionStatus | null; pastDueSinceMs: number | null; period: Period | null; opened: OpenedPeriod[] }

/** courseOf is what became of it by these events, in order; those of its end are none of them. */
function courseOf(lived: readonly StormEvent[]): Course {
  let trialEndsAtMs: number | null = null
  const course: Course = { status: null, pastDueSinceMs: null, period: null, opened: [] }
  for (const event of lived) {
    if (!isStateOrPayment(event)) continue
    const { told } = event
    if (told.kind === 'state') {
      course.status = told.status
      trialEndsAtMs = told.trialEndsAtMs
    } else if (told.period !== null && (course.period === null || told.period.startMs >= course.period.startMs)) {
      course.status = moved(course.status, told, trialEndsAtMs)
    }
    course.pastDueSinceMs = course.status === 'past_due' ? (course.pastDueSinceMs ?? event.atMs) : null
    const isLive = course.status === 'trialing' || course.status === 'active' || course.status === 'past_due'
    const { period } = told
    if (period === null || !isLive) continue
    if (course.opened.every(({ startMs }) => startMs !== period.startMs))
      course.opened.push({ ...period, openedBy: event.eventId })
    if (course.period === null || period.startMs >= course.period.startMs) course.period = period
  }
  return course
}

function moved(status: SubscriptionStatus | null, money: PaymentTold, trialEndsAtMs: number | null): SubscriptionStatus {
  if (money.payment === 'failed') return status === 'active' || status === 'trialing' ? 'past_due' : (status ?? 'incomplete')
  if (status === null || status === 'past_due' || status === 'incomplete') return 'active'
  const endsTrial =
    status === 'trialing' && money.amountMinor > 0 && trialEndsAtMs !== null && (money.period?.startMs ?? 0) >= trialEndsAtMs
  return endsTrial ? 'active' : status
}

/**
 * suspensionOf finds the reversal that took the payment of the running period back: a dispute until it is won, refunds once
 * they come to all of it (the catalog's plans all end then).
 */
function suspensionOf(events: readonly StormEvent[]): string | null {
  const paid = events
    .filter(isPayment)
    .filter(({ told }) => told.payment === 'paid' && told.period !== null)
    .toSorted((a, b) => (a.told.period?.startMs ?? 0) - (b.told.period?.startMs ?? 0) || inOrder(a, b))
    .at(-1)?.told
  if (paid === undefined) return null
  const about = events
    .filter(isReversal)
    .filter(({ told }) => told.paymentId === paid.paymentId)
    .toSorted(inOrder)
  const standing = new Map(about.map(({ told }) => [told.reversalId, told]))
  const reversed = [...standing.values()]
    .filter((told) => told.standing === 'reversed')
    .toSorted((a, b) => (a.reversalId < b.reversalId ? -1 : 1))
  let refundedMinor = 0
  for (const told of reversed) {
    if (told.kind === 'dispute') return told.reversalId
    refundedMinor += told.amountMinor
    if (paid.amountMinor > 0 && refundedMinor >= paid.amountMinor) return told.reversalId
  }
  return null
}

function isState(event: StormEvent): event is Of<StateTold> {
  return event.told.kind === 'state'
}

function isPayment(event: StormEvent): event is Of<PaymentTold> {
  return event.told.kind === 'payment'
}

function isStateOrPayment(event: StormEvent): event is Of<StateTold | PaymentTold> {
  return isState(event) || isPayment(event)
}

function isReversal(event: StormEvent): event is Of<ReversalTold> {
  return event.told.kind === 'refund' || event.told.kind === 'dispute'
}
