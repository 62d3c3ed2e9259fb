import type { BillingEvent } from '../../billing-event.ts'
import { ProcessorRefusal } from '../../processor.ts'
import { ENDED, fetchedState, fetchEntity } from './asking.ts'
import type { Asker } from './asking.ts'
import { cyclesOf } from './cycles.ts'
import { subscription } from './subscription.ts'

type When = 'now' | 'period_end'

/**
 * These calls carry no key: Razorpay takes none. Each looks first and then asks for a state rather than a step, so that a
 * repetition finds its work done. All return the state as of the time of asking.
 */

/**
 * changePlan: `now` charges or refunds the difference at once, and leaves everything as it was when the charge fails
 * (payments/subscriptions/update.md). Only active subscriptions and trials can be changed, and only those paid by card.
 * The number of charges to come is granted anew, because it counts months of the one plan and years of the other.
 */
export async function changePlan(
  asker: Asker,
  change: { subscriptionId: string; priceId: string; when: When }
): Promise<BillingEvent> {
  const id = encodeURIComponent(change.subscriptionId)
  const found = await fetchEntity(asker, change.subscriptionId)
  if (change.when === 'now' && found.planId === change.priceId) return fetchState(asker, change.subscriptionId)
  if (change.when === 'period_end' && found.hasScheduledChange) {
    const pending = await asker.client.ask((sdk) => sdk.subscriptions.pendingUpdate(id), subscription)
    if (pending.planId === change.priceId) return fetchState(asker, change.subscriptionId)
    // A second one is not taken beside it.
    await asker.client.ask((sdk) => sdk.subscriptions.cancelScheduledChanges(id), subscription)
  }
  const remaining_count = await cyclesOf(asker, change.priceId)
  const schedule_change_at = change.when === 'now' ? 'now' : 'cycle_end'
  const update = { plan_id: change.priceId, remaining_count, schedule_change_at, customer_notify: true } as const
  await asker.client.ask((sdk) => sdk.subscriptions.update(id, update), subscription)
  // Asked for anew: the answer to a change that is only planned may already show the plan to come.
  return fetchState(asker, change.subscriptionId)
}

/** undoPlanChange takes back a change planned for the end of the cycle. */
export async function undoPlanChange(asker: Asker, change: { subscriptionId: string }): Promise<BillingEvent> {
  const id = encodeURIComponent(change.subscriptionId)
  const found = await fetchEntity(asker, change.subscriptionId)
  if (found.hasScheduledChange) await asker.client.ask((sdk) => sdk.subscriptions.cancelScheduledChanges(id), subscription)
  return fetchState(asker, change.subscriptionId)
}

/**
 * cancel: `period_end` is final at Razorpay from the moment it is asked for. It cannot be taken back, no field of the
 * subscription tells of it and no webhook comes until the end (razorpay/razorpay-node#330, #337), so whoever wants to offer
 * a way back keeps the wish and asks for it shortly before the period ends. The state returned says `cancelsAt`; later ones
 * do not. Only an active subscription has a cycle to end: for a trial it is refused, and one that is pending, halted or
 * paused is not canceled although Razorpay answers as if it were, so that is refused here.
 */
export async function cancel(asker: Asker, change: { subscriptionId: string; when: When }): Promise<BillingEvent> {
  const found = await fetchEntity(asker, change.subscriptionId)
  if (ENDED.has(found.razorpayStatus)) return fetchState(asker, change.subscriptionId)
  const atCycleEnd = change.when === 'period_end'
  if (atCycleEnd && found.razorpayStatus !== 'active') {
    throw new ProcessorRefusal('not_possible', 'Razorpay plans an end only for an active subscription.')
  }
  const askedAtMs = asker.nowMs()
  const id = encodeURIComponent(change.subscriptionId)
  const after = await asker.client.ask((sdk) => sdk.subscriptions.cancel(id, atCycleEnd), subscription)
  const state = fetchedState(after, askedAtMs)
  return atCycleEnd && !ENDED.has(after.razorpayStatus) ? { ...state, cancelsAt: after.periodEnd } : state
}

/**
 * resume starts a paused subscription again. For an active one there is nothing to do, so that a repetition succeeds; that
 * does NOT take back a cancellation at the end of the cycle, which nothing can (see {@link cancel}) and no answer shows: SQL
 * refuses to take one back before anybody asks here (its outcome is `too_late`). A halted one starts again only when its
 * customer pays.
 */
export async function resume(asker: Asker, change: { subscriptionId: string }): Promise<BillingEvent> {
  const id = encodeURIComponent(change.subscriptionId)
  const { razorpayStatus: status } = await fetchEntity(asker, change.subscriptionId)
  if (status === 'halted') {
    throw new ProcessorRefusal('not_possible', 'Razorpay starts it again once the open payment is made on its page.')
  }
  if (ENDED.has(status)) throw new ProcessorRefusal('not_possible', 'The subscription has ended; a new one has to be begun.')
  if (status === 'paused') await asker.client.ask((sdk) => sdk.subscriptions.resume(id, { resume_at: 'now' }), subscription)
  return fetchState(asker, change.subscriptionId)
}

/** pause stops charging at once. Only an active subscription can be paused: asked to pause a trial, Razorpay *cancels* it. */
export async function pause(asker: Asker, change: { subscriptionId: string }): Promise<BillingEvent> {
  const id = encodeURIComponent(change.subscriptionId)
  const { razorpayStatus: status } = await fetchEntity(asker, change.subscriptionId)
  if (status === 'active') await asker.client.ask((sdk) => sdk.subscriptions.pause(id, { pause_at: 'now' }), subscription)
  else if (status !== 'paused') throw new ProcessorRefusal('not_possible', 'Razorpay pauses only subscriptions that are active.')
  return fetchState(asker, change.subscriptionId)
}

/** fetchState asks how a subscription stands. */
export async function fetchState(asker: Asker, subscriptionId: string): Promise<BillingEvent> {
  const askedAtMs = asker.nowMs()
  return fetchedState(await fetchEntity(asker, subscriptionId), askedAtMs)
}
