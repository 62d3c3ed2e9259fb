import { cycleStart } from './calendar.ts'
import { type Context, findPlan } from './context.ts'
import { chargeCycle, complete, openCycle, startSchedule } from './cycle.ts'
import { beginChange } from './events.ts'
import { end } from './lifecycle.ts'
import type { SubscriptionRecord } from './state.ts'
import { applyScheduled } from './update.ts'

/** nextDue is the earliest time, in Unix milliseconds, at which a subscription does something by itself, or null. */
export function nextDue(context: Context): number | null {
  const next = earliest(context)
  return next === null ? null : next.at * 1000
}

/** runDue does what is due, in order of time, each at its own time: a jump of the clock tells what single steps tell. */
export function runDue(context: Context): void {
  const untilSeconds = Math.floor(context.world.nowMs() / 1000)
  for (let next = earliest(context); next !== null && next.at <= untilSeconds; next = earliest(context)) {
    context.dueAt = next.at
    try {
      act(context, next.record)
    } finally {
      context.dueAt = null
    }
  }
}

function earliest(context: Context): { at: number; record: SubscriptionRecord } | null {
  let first: { at: number; record: SubscriptionRecord } | null = null
  for (const record of Object.values(context.state.subscriptions)) {
    const at = dueAt(record)
    if (at !== null && (first === null || at < first.at)) first = { at, record }
  }
  return first
}

function dueAt({ entity, cancelAtCycleEnd, resumedAt }: SubscriptionRecord): number | null {
  switch (entity.status) {
    case 'created':
      return entity.start_at === null || entity.expire_by === null
        ? (entity.start_at ?? entity.expire_by)
        : Math.min(entity.start_at, entity.expire_by)
    case 'authenticated':
    case 'pending':
      return entity.charge_at
    case 'active':
      return Math.max(entity.current_end ?? 0, resumedAt ?? 0)
    case 'halted':
      return entity.current_end
    case 'paused':
      return cancelAtCycleEnd ? entity.current_end : null
    default:
      return null
  }
}

function act(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  switch (entity.status) {
    case 'created':
      // No event is sent for it: the list in webhooks/subscriptions.md has none.
      entity.status = 'expired'
      entity.charge_at = null
      context.world.changed()
      return
    case 'pending':
      chargeCycle(context, record, beginChange(context, record))
      return
    case 'authenticated':
      begin(context, record)
      return
    case 'halted':
      passBy(context, record)
      return
    default:
      if (record.cancelAtCycleEnd) end(context, record)
      else if (entity.remaining_count === 0) complete(context, record, beginChange(context, record), null)
      else renew(context, record)
  }
}

function begin(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  const change = beginChange(context, record)
  const updated = applyScheduled(context, record)
  startSchedule(context, record, entity.start_at ?? context.dueAt ?? 0)
  openCycle(context, record)
  entity.status = 'active'
  entity.charge_at = entity.current_start
  change.tell('subscription.activated', { subscription: entity })
  chargeCycle(context, record, change)
  if (updated) change.tell('subscription.updated', { subscription: entity })
}

function renew(context: Context, record: SubscriptionRecord): void {
  const change = beginChange(context, record)
  const updated = applyScheduled(context, record)
  skipTo(context, record)
  openCycle(context, record)
  chargeCycle(context, record, change)
  // Last, because which event tells of it is not documented: it shows the state in which the change of cycle ended.
  if (updated) change.tell('subscription.updated', { subscription: record.entity })
}

// "Invoices are generated for all billing cycles, but no auto-charge is attempted" (states.md).
function passBy(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  const change = beginChange(context, record)
  if (entity.remaining_count > 0) {
    const updated = applyScheduled(context, record)
    openCycle(context, record)
    entity.charge_at = entity.current_end
    if (updated) change.tell('subscription.updated', { subscription: entity })
    if (entity.remaining_count > 0) return
  }
  complete(context, record, change, null)
}

// Cycles that ended while the subscription was paused are passed over: no invoice, none less remaining.
function skipTo(context: Context, record: SubscriptionRecord): void {
  const plan = findPlan(context, record.entity.plan_id)
  const at = context.dueAt ?? 0
  record.resumedAt = null
  while (cycleStart(record.anchorAt ?? at, plan, record.cycle + 2) <= at) record.cycle += 1
}
