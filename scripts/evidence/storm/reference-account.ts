import { addMonths, DAY_MS, INDIA_AHEAD_MS, inIndia, midnight, type Period } from './calendar.ts'
import { GRACE_DAYS, keyOf, PLANS, type StormEvent } from './facts.ts'
import { subscriptionState, type SubscriptionState } from './reference.ts'

/**
 * AccountState is what must be known of an account. `anchorMs` and `countsFromMs` are null where no period was ever
 * confirmed: the account's creation then, which is the database's to tell. `shown` is the subscription worth showing.
 */
export type AccountState = {
  accountId: string
  plan: string
  planEndsAtMs: number | null
  anchorMs: number | null
  countsFromMs: number | null
  offsetMs: number
  closedAtMs: number | null
  inForce: string | null
  shown: SubscriptionState | null
}

/** Reference is the end of all that happened: by `source subscription` and by account. */
export type Reference = { subscriptions: Map<string, SubscriptionState>; accounts: Map<string, AccountState> }

/** referenceOf computes the state everything must be in once all these events are known. */
export function referenceOf(events: readonly StormEvent[]): Reference {
  const customers = Map.groupBy(
    events.filter(({ told }) => told.kind === 'closed' && told.whom === 'customer'),
    customerOf
  )
  const goneAtMs = new Map(
    [...customers].map(([customer, closings]) => [customer, Math.min(...closings.map(({ atMs }) => atMs))])
  )
  // A refund of Stripe or Razorpay names nothing but the payment, and so is found by it.
  const payers = new Map(
    events.flatMap(({ told, ...event }) => (told.kind === 'payment' ? [[told.paymentId, event.subscriptionId]] : []))
  )
  const bySubscription = Map.groupBy(
    events.filter(({ told }) => told.kind !== 'link' && told.kind !== 'ignored' && told.kind !== 'closed'),
    ({ told, source, subscriptionId }) => `${source} ${'reversalId' in told ? payers.get(told.paymentId) : subscriptionId}`
  )
  const states = [...bySubscription].flatMap(([key, own]) => {
    const customer = own.map(customerOf).find((one) => goneAtMs.has(one))
    const state = subscriptionState(own, customer === undefined ? null : (goneAtMs.get(customer) ?? null))
    return state === null ? [] : [[key, state] as const]
  })
  const owned = Map.groupBy(
    states.map(([, state]) => state),
    ({ accountId }) => accountId
  )
  const heard = events.filter(({ told }) => told.kind !== 'ignored')
  const accounts = [...Map.groupBy(heard, ({ accountId }) => accountId)].map(([accountId, own]) => {
    const closings = own.filter(({ told }) => told.kind === 'closed' && told.whom === 'account').map(({ atMs }) => atMs)
    return accountState(accountId, owned.get(accountId) ?? [], closings.length === 0 ? null : Math.min(...closings))
  })
  return { subscriptions: new Map(states), accounts: new Map(accounts.map((state) => [state.accountId, state])) }
}

/**
 * accountState is which plan an account has and whence its windows go (docs/decisions/0003, 0005; DESIGN.md §7): of the live
 * subscriptions that no reversal suspends, one that is paid before one past due, then the larger plan, then the later period.
 */
export function accountState(
  accountId: string,
  subscriptions: readonly SubscriptionState[],
  closedAtMs: number | null
): AccountState {
  const live = subscriptions.filter(
    ({ status, suspendedBy }) => suspendedBy === null && ['trialing', 'active', 'past_due'].includes(status)
  )
  const [inForce = null] = closedAtMs === null ? live.toSorted(byClaim) : []
  const periods = subscriptions.filter(({ period }) => period !== null).toSorted(byPeriod)
  const timed = inForce !== null && inForce.period !== null ? inForce : (periods[0] ?? null)
  const [shown = null] = subscriptions.toSorted((a, b) => b.asOfMs - a.asOfMs || byName(a, b))
  const plan = inForce?.plan ?? 'free'
  const isPastDue = inForce !== null && inForce.pastDueSinceMs !== null && plan !== 'free'
  return {
    accountId,
    plan,
    planEndsAtMs: isPastDue ? (inForce.pastDueSinceMs ?? 0) + GRACE_DAYS[plan] * DAY_MS : null,
    anchorMs: timed?.period ? anchorOf(timed.source, timed.period) : null,
    countsFromMs: timed?.period?.startMs ?? null,
    offsetMs: timed === null ? 0 : offsetOf(timed.source),
    closedAtMs,
    inForce: inForce === null ? null : `${inForce.source} ${inForce.subscriptionId}`,
    shown: inForce ?? shown
  }
}

function byClaim(a: SubscriptionState, b: SubscriptionState): number {
  const dues = Number(a.status === 'past_due') - Number(b.status === 'past_due')
  const sizes = place(b) - place(a)
  return dues || sizes || byPeriod(a, b)
}

function place({ plan }: SubscriptionState): number {
  return plan === null ? -1 : PLANS.indexOf(plan)
}

function byPeriod(a: SubscriptionState, b: SubscriptionState): number {
  return (b.period?.startMs ?? -Infinity) - (a.period?.startMs ?? -Infinity) || byName(a, b)
}

function byName(a: SubscriptionState, b: SubscriptionState): number {
  return keyOfSubscription(a) < keyOfSubscription(b) ? -1 : 1
}

/** anchorOf is docs/decisions/0005: the start of the period, or its end where the start is a month end cut short. */
export function anchorOf(source: string, { startMs, endMs }: Period): number {
  const offsetMs = offsetOf(source)
  const [start, end] = [startMs + offsetMs, endMs + offsetMs]
  const isCutShort = dayOf(end) > dayOf(start) && addMonths(end, monthsBetween(end, start)) === start
  const anchorMs = isCutShort ? endMs : startMs
  // Razorpay's first period begins when it is paid, and all others at midnight: midnight it is for all.
  return offsetMs === 0 ? anchorMs : inIndia(anchorMs, midnight)
}

/** windowAt is the window of an instant: anchor + k months, by the clock of whoever bills. */
export function windowAt(anchorMs: number, offsetMs: number, atMs: number): Period {
  const [anchor, at] = [anchorMs + offsetMs, atMs + offsetMs]
  let months = monthsBetween(anchor, at)
  if (addMonths(anchor, months) > at) months -= 1
  return { startMs: addMonths(anchor, months) - offsetMs, endMs: addMonths(anchor, months + 1) - offsetMs }
}

function monthsBetween(fromMs: number, toMs: number): number {
  const [from, to] = [new Date(fromMs), new Date(toMs)]
  return (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
}

function dayOf(ms: number): number {
  return new Date(ms).getUTCDate()
}

function offsetOf(source: string): number {
  return source === 'razorpay' ? INDIA_AHEAD_MS : 0
}

function customerOf({ source, customerId }: StormEvent): string {
  return `${source} ${customerId}`
}

/** keyOfSubscription names a subscription as {@link Reference} does. */
export function keyOfSubscription({ source, subscriptionId }: { source: string; subscriptionId: string }): string {
  return keyOf({ source, eventId: subscriptionId })
}
