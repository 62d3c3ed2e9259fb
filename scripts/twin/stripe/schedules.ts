import { invalid } from './fault.ts'
import { renderSchedule } from './render-subscription.ts'
import { emit, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { makeItem, recurrenceOf } from './subscriptions.ts'
import type { ItemRecord, PhaseRecord, ScheduleRecord, SubscriptionRecord } from './state.ts'

/** tellSchedule sends an event about a schedule as it is now. */
export function tellSchedule(shop: Shop, type: string, schedule: ScheduleRecord): void {
  emit(shop, type, renderSchedule(shop.state, schedule, now(shop)))
}

/** scheduleOf gives the schedule that a subscription follows, if any. */
export function scheduleOf(shop: Shop, one: SubscriptionRecord): ScheduleRecord | undefined {
  return one.scheduleId === null ? undefined : shop.state.schedules[one.scheduleId]
}

/** makeSchedule puts a running subscription under a schedule whose only phase is its present period. */
export function makeSchedule(shop: Shop, one: SubscriptionRecord, metadata: Record<string, string>): ScheduleRecord {
  if (one.scheduleId !== null) {
    throw invalid(
      `You cannot migrate a subscription that is already attached to a schedule: ${one.scheduleId}`,
      'from_subscription'
    )
  }
  if (one.status === 'canceled' || one.status === 'paused') {
    throw invalid(`You cannot migrate a subscription that is ${one.status}.`, 'from_subscription')
  }
  const items = one.items.map(({ priceId, quantity }) => ({ priceId, quantity, metadata: {} }))
  const trialEnd = one.status === 'trialing' ? one.trialEnd : null
  const schedule: ScheduleRecord = {
    id: shop.world.id('sub_sched_'),
    customerId: one.customerId,
    subscriptionId: one.id,
    releasedSubscriptionId: null,
    status: 'active',
    // A cancellation that is planned already becomes how the schedule ends.
    endBehavior: one.cancelAtPeriodEnd ? 'cancel' : 'release',
    phaseIndex: 0,
    phases: [{ start: one.periodStart, end: one.periodEnd, items, proration: 'create_prorations', trialEnd, metadata: {} }],
    canceledAt: null,
    completedAt: null,
    releasedAt: null,
    metadata,
    created: now(shop)
  }
  shop.state.schedules[schedule.id] = schedule
  one.scheduleId = schedule.id
  tellSchedule(shop, 'subscription_schedule.created', schedule)
  return schedule
}

/** releaseSchedule lets go of the subscription, which stays as it is at this moment. The caller tells of the subscription. */
export function releaseSchedule(shop: Shop, one: SubscriptionRecord, schedule: ScheduleRecord): void {
  one.scheduleId = null
  schedule.status = 'released'
  schedule.releasedAt = now(shop)
  schedule.releasedSubscriptionId = one.id
  schedule.subscriptionId = null
  tellSchedule(shop, 'subscription_schedule.released', schedule)
}

/** cancelsWith: the last phase ends at or before `at`, and the subscription with it. */
export function cancelsWith(schedule: ScheduleRecord, at: number): boolean {
  return schedule.endBehavior === 'cancel' && (schedule.phases.at(-1)?.end ?? Infinity) <= at
}

/** phaseEnd is when the current phase of a schedule ends, or null where it is over. */
export function phaseEnd(schedule: ScheduleRecord): number | null {
  return schedule.status === 'active' ? (schedule.phases[schedule.phaseIndex]?.end ?? null) : null
}

/**
 * enterPhase moves on to the phase that holds `at`, and gives the subscription its prices; after the last one the
 * subscription is released. Another interval starts a new cycle at `at`. The caller tells of the subscription.
 */
export function enterPhase(shop: Shop, one: SubscriptionRecord, schedule: ScheduleRecord, at: number): void {
  const index = schedule.phases.findIndex(({ end }) => end > at)
  if (index === schedule.phaseIndex) return
  const phase = schedule.phases[index]
  if (!phase) {
    releaseSchedule(shop, one, schedule)
    return
  }
  schedule.phaseIndex = index
  const before = recurrenceOf(shop.state, one.items)
  one.items = itemsOfPhase(shop, one, phase)
  const after = recurrenceOf(shop.state, one.items)
  if (before.interval !== after.interval || before.intervalCount !== after.intervalCount) one.anchor = at
  tellSchedule(shop, 'subscription_schedule.updated', schedule)
}

/** itemsOfPhase words what a phase wants as items; those that stay in their place keep their ids. */
export function itemsOfPhase(shop: Shop, one: SubscriptionRecord, phase: PhaseRecord): ItemRecord[] {
  return phase.items.map(({ priceId, quantity }, place) => {
    const kept = one.items[place]
    return kept ? { ...kept, priceId, quantity } : makeItem(shop, { priceId, quantity })
  })
}
