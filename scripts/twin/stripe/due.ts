import { DAY } from './calendar.ts'
import { expireCheckout } from './checkout.ts'
import { collect } from './collection.ts'
import { endSubscription } from './ending.ts'
import { applyChange, planChange } from './changes.ts'
import { voidInvoice } from './invoices.ts'
import { beginPeriod, sendDraft } from './periods.ts'
import { enterPhase, itemsOfPhase, phaseEnd, scheduleOf } from './schedules.ts'
import { inOneChange, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { changeSubscription, tellSubscription } from './subscriptions.ts'
import type { CheckoutRecord, InvoiceRecord, ScheduleRecord, SubscriptionRecord } from './state.ts'

/** Due is something that happens by itself at `at` (Unix seconds). */
type Due = { at: number; happen: () => void }

const TRIAL_WARNING_SECONDS = 3 * DAY
const LIVE = new Set(['trialing', 'active', 'past_due', 'unpaid'])

/** nextDueSeconds is when the next thing happens by itself, or null. */
export function nextDueSeconds(shop: Shop): number | null {
  return earliest(shop)?.at ?? null
}

/**
 * runDue does what is due, each at its own time and one after the other, so that a clock that jumps a year gives the
 * same as one that goes by hours. Things of one time happen in the order of {@link allDue}.
 */
export function runDue(shop: Shop): void {
  const until = Math.floor(shop.world.nowMs() / 1000)
  for (let due = earliest(shop); due !== null && due.at <= until; due = earliest(shop)) {
    const { at, happen } = due
    shop.momentSeconds = at
    try {
      inOneChange(shop, null, happen)
    } finally {
      shop.momentSeconds = null
    }
  }
}

function earliest(shop: Shop): Due | null {
  let first: Due | null = null
  for (const due of allDue(shop)) if (first === null || due.at < first.at) first = due
  return first
}

function* allDue(shop: Shop): Generator<Due> {
  // Money before periods: what a payment at the same second brings still counts for the old period.
  for (const id of shop.unsettled) {
    const invoice = shop.state.invoices[id]
    if (!invoice || invoice.status === 'paid' || invoice.status === 'void') shop.unsettled.delete(id)
    else yield* dueOfInvoice(shop, invoice)
  }
  for (const one of Object.values(shop.state.subscriptions)) yield* dueOfSubscription(shop, one)
  for (const one of Object.values(shop.state.checkouts)) yield* dueOfCheckout(shop, one)
}

function* dueOfInvoice(shop: Shop, one: InvoiceRecord): Generator<Due> {
  if (one.status === 'draft' && one.finalizesAt !== null) yield { at: one.finalizesAt, happen: () => sendDraft(shop, one) }
  if (one.status === 'open' && one.nextAttempt !== null) yield { at: one.nextAttempt, happen: () => void collect(shop, one) }
}

function* dueOfSubscription(shop: Shop, one: SubscriptionRecord): Generator<Due> {
  if (one.status === 'canceled') return
  if (one.cancelAt !== null && one.cancelAt < one.periodEnd) {
    yield { at: one.cancelAt, happen: () => endSubscription(shop, one, 'cancellation_requested') }
  }
  if (one.status === 'trialing' && !one.trialWarned && one.trialEnd !== null) {
    yield { at: Math.max(one.created, one.trialEnd - TRIAL_WARNING_SECONDS), happen: () => warnOfTrialEnd(shop, one) }
  }
  if (one.pendingUpdate) yield { at: one.pendingUpdate.expiresAt, happen: () => dropPendingUpdate(shop, one) }
  const resumesAt = one.pauseCollection?.resumesAt ?? null
  if (resumesAt !== null)
    yield { at: resumesAt, happen: () => changeSubscription(shop, one, () => void (one.pauseCollection = null)) }
  if (!LIVE.has(one.status)) return
  yield { at: one.periodEnd, happen: () => beginPeriod(shop, one) }
  const schedule = scheduleOf(shop, one)
  const end = schedule ? phaseEnd(schedule) : null
  // At the end of a period the phase changes with it.
  if (schedule && end !== null && end < one.periodEnd) yield { at: end, happen: () => changePhase(shop, one, schedule) }
}

function* dueOfCheckout(shop: Shop, one: CheckoutRecord): Generator<Due> {
  if (one.status === 'open') yield { at: one.expiresAt, happen: () => expireCheckout(shop, one) }
}

function warnOfTrialEnd(shop: Shop, one: SubscriptionRecord): void {
  one.trialWarned = true
  tellSubscription(shop, 'customer.subscription.trial_will_end', one)
}

function dropPendingUpdate(shop: Shop, one: SubscriptionRecord): void {
  const invoice = shop.state.invoices[one.pendingUpdate?.invoiceId ?? '']
  changeSubscription(shop, one, () => void (one.pendingUpdate = null))
  tellSubscription(shop, 'customer.subscription.pending_update_expired', one)
  if (invoice?.status === 'open') voidInvoice(shop, invoice)
}

/** changePhase is a phase of a schedule that ends in the middle of a period; the next one is prorated as it wants. */
function changePhase(shop: Shop, one: SubscriptionRecord, schedule: ScheduleRecord): void {
  const next = schedule.phases[schedule.phaseIndex + 1]
  if (!next && schedule.endBehavior === 'cancel') {
    endSubscription(shop, one, 'cancellation_requested')
    return
  }
  if (next) {
    const plan = planChange(shop, one, itemsOfPhase(shop, one, next), {
      proration: next.proration,
      at: now(shop),
      restart: false
    })
    applyChange(shop, one, plan, { proration: next.proration, payment: 'allow_incomplete' })
  }
  changeSubscription(shop, one, () => enterPhase(shop, one, schedule, now(shop)))
}
