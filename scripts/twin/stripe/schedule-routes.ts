import { z } from 'zod'
import type { ApiRequest, ApiRoute } from './api.ts'
import { addPeriods } from './calendar.ts'
import { applyChange, planChange } from './changes.ts'
import { endSubscription } from './ending.ts'
import { invalid } from './fault.ts'
import { anything, integer, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderSchedule } from './render-subscription.ts'
import { itemsOfPhase, makeSchedule, releaseSchedule, tellSchedule } from './schedules.ts'
import { find, now, updating } from './shop.ts'
import type { Shop } from './shop.ts'
import { PRORATION } from './subscription-update.ts'
import { changeSubscription, recurrenceOf } from './subscriptions.ts'
import type { PhaseRecord, ScheduleRecord, SubscriptionRecord } from './state.ts'

const PHASE = z.strictObject({
  items: z.array(z.strictObject({ price: words, quantity: integer.optional(), metadata: metadata.optional() })).min(1),
  start_date: z.union([z.literal('now'), integer]).optional(),
  end_date: z.union([z.literal('now'), integer]).optional(),
  duration: z.strictObject({ interval: z.enum(['month', 'year']), interval_count: integer.optional() }).optional(),
  proration_behavior: PRORATION.optional(),
  metadata: metadata.optional(),
  trial_end: integer.optional(),
  discounts: anything,
  currency: anything,
  description: anything,
  billing_cycle_anchor: anything,
  collection_method: anything
})

/** SCHEDULE_ROUTES are `/v1/subscription_schedules`, made from running subscriptions only. */
export const SCHEDULE_ROUTES: ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/subscription_schedules',
    answer({ shop, form }) {
      const asked = parameters({ from_subscription: words, metadata: metadata.optional() }, form)
      const one = find(shop.state.subscriptions, 'subscription', asked.from_subscription, 'from_subscription')
      const schedule = changeSubscription(shop, one, () => makeSchedule(shop, one, merged({}, asked.metadata)))
      return answer(shop, schedule)
    }
  },
  { method: 'get', path: '/v1/subscription_schedules/:id', answer: ({ shop, id }) => answer(shop, get(shop, id)) },
  {
    method: 'get',
    path: '/v1/subscription_schedules',
    answer({ shop, form }) {
      const asked = parameters({ ...LISTING, customer: words.optional() }, form)
      const wanted = Object.values(shop.state.schedules).filter(
        (one) => asked.customer === undefined || one.customerId === asked.customer
      )
      return page('/v1/subscription_schedules', 'subscription_schedule', wanted, asked, (one) => answer(shop, one))
    }
  },
  { method: 'post', path: '/v1/subscription_schedules/:id', answer: updateSchedule },
  {
    method: 'post',
    path: '/v1/subscription_schedules/:id/release',
    answer({ shop, id, form }) {
      parameters({ preserve_cancel_date: anything }, form)
      const { schedule, one } = active(shop, id)
      changeSubscription(shop, one, () => releaseSchedule(shop, one, schedule))
      return answer(shop, schedule)
    }
  },
  {
    method: 'post',
    path: '/v1/subscription_schedules/:id/cancel',
    answer({ shop, id }) {
      const { schedule, one } = active(shop, id)
      endSubscription(shop, one, 'cancellation_requested')
      return answer(shop, schedule)
    }
  }
]

function get(shop: Shop, id: string): ScheduleRecord {
  return find(shop.state.schedules, 'subscription_schedule', id)
}

function answer(shop: Shop, schedule: ScheduleRecord) {
  return renderSchedule(shop.state, schedule, now(shop))
}

function active(shop: Shop, id: string): { schedule: ScheduleRecord; one: SubscriptionRecord } {
  const schedule = get(shop, id)
  if (schedule.status !== 'active' || schedule.subscriptionId === null) {
    throw invalid(`You cannot change a subscription schedule that is \`${schedule.status}\`.`)
  }
  return { schedule, one: find(shop.state.subscriptions, 'subscription', schedule.subscriptionId) }
}

function updateSchedule({ shop, id, form }: ApiRequest) {
  const { schedule, one } = active(shop, id)
  const asked = parameters(
    {
      phases: z.array(PHASE).min(1).max(10).optional(),
      end_behavior: z.enum(['release', 'cancel']).optional(),
      proration_behavior: PRORATION.optional(),
      metadata: metadata.optional(),
      default_settings: anything
    },
    form
  )
  const phases = asked.phases ? readPhases(shop, schedule, asked.phases) : schedule.phases
  const index = phases.findIndex(({ start, end }) => start <= now(shop) && now(shop) < end)
  const current = phases[index]
  if (!current) throw invalid('The phases must hold the present time.', 'phases')
  updating(
    shop,
    'subscription_schedule.updated',
    () => answer(shop, schedule),
    () => {
      schedule.phases = phases
      schedule.phaseIndex = index
      schedule.endBehavior = asked.end_behavior ?? schedule.endBehavior
      schedule.metadata = merged(schedule.metadata, asked.metadata)
    }
  )
  const items = itemsOfPhase(shop, one, current)
  const same =
    items.length === one.items.length &&
    items.every(({ priceId, quantity }, at) => one.items[at]?.priceId === priceId && one.items[at].quantity === quantity)
  if (!same) {
    // What the present phase is to be takes effect at once.
    const proration = asked.proration_behavior ?? 'create_prorations'
    applyChange(shop, one, planChange(shop, one, items, { proration, at: now(shop), restart: false }), {
      proration,
      payment: 'allow_incomplete'
    })
    tellSchedule(shop, 'subscription_schedule.updated', schedule)
  }
  return answer(shop, schedule)
}

function readPhases(shop: Shop, schedule: ScheduleRecord, asked: z.output<typeof PHASE>[]): PhaseRecord[] {
  const phases: PhaseRecord[] = []
  for (const [place, wish] of asked.entries()) {
    const at = (name: string): string => `phases[${place}][${name}]`
    for (const { price } of wish.items) find(shop.state.prices, 'price', price, at('items'))
    const before = phases.at(-1)
    const first = schedule.phases[schedule.phaseIndex]?.start ?? now(shop)
    const start = (wish.start_date === 'now' ? now(shop) : wish.start_date) ?? before?.end ?? first
    if (before && start !== before.end)
      throw invalid(`The start date of a phase must be the end date of the one before it.`, at('start_date'))
    const known = schedule.phases.some((phase) => phase.start === start)
    if (!before && !known) throw invalid('You can not modify the start date of the current phase.', at('start_date'))
    if (wish.end_date !== undefined && wish.duration)
      throw invalid('You may only specify one of these parameters: end_date, duration.', at('end_date'))
    const items = wish.items.map(({ price, quantity = 1, metadata: sent }) => ({
      priceId: price,
      quantity,
      metadata: merged({}, sent)
    }))
    const length = wish.duration
      ? { interval: wish.duration.interval, intervalCount: wish.duration.interval_count ?? 1 }
      : recurrenceOf(shop.state, items)
    const end = (wish.end_date === 'now' ? now(shop) : wish.end_date) ?? addPeriods(start, length, 1)
    if (end <= start) throw invalid('The end date of a phase must be after its start date.', at('end_date'))
    const { proration_behavior: proration = 'create_prorations', trial_end: trialEnd = null } = wish
    phases.push({ start, end, items, proration, trialEnd, metadata: merged({}, wish.metadata) })
  }
  return phases
}
