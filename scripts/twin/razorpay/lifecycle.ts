import { type Context, nowSeconds } from './context.ts'
import { beginChange } from './events.ts'
import { Refusal } from './refusal.ts'
import { ENDED, type SubscriptionRecord } from './state.ts'

/**
 * cancel ends a subscription now, or marks it to end with its cycle. The mark cannot be seen in the entity nor taken back, and
 * a subscription that is pending, halted or paused answers to it and does nothing (observed). Throws {@link Refusal}.
 */
export function cancel(context: Context, record: SubscriptionRecord, when: 'now' | 'cycle_end'): void {
  const { entity } = record
  if (ENDED.has(entity.status))
    throw new Refusal(`Subscription is not cancellable in ${entity.status} status.`, { field: 'status' })
  if (when === 'now') {
    entity.cancel_initiated_by = 'self'
    end(context, record)
    return
  }
  if (entity.status === 'created' || entity.status === 'authenticated') {
    throw new Refusal('Subscription cannot be cancelled since no billing cycle is going on')
  }
  if (entity.status !== 'active') return
  record.cancelAtCycleEnd = true
  context.world.changed()
}

/** end makes a subscription cancelled. */
export function end(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  const change = beginChange(context, record)
  entity.status = 'cancelled'
  entity.ended_at = nowSeconds(context)
  entity.charge_at = null
  entity.has_scheduled_changes = false
  entity.change_scheduled_at = null
  record.scheduled = null
  record.cancelAtCycleEnd = false
  change.tell('subscription.cancelled', { subscription: entity })
}

/**
 * pause stops the cycles of an active subscription; its dates stay (observed, against the documentation). One that is only
 * authenticated is cancelled by it (states.md). Throws {@link Refusal}.
 */
export function pause(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  if (entity.status === 'authenticated') {
    end(context, record)
    return
  }
  if (entity.status !== 'active') throw new Refusal(`subscription can't be paused as subscription is in ${entity.status} state`)
  const change = beginChange(context, record)
  entity.status = 'paused'
  entity.paused_at = nowSeconds(context)
  entity.charge_at = null
  entity.pause_initiated_by = 'self'
  change.tell('subscription.paused', { subscription: entity })
}

/**
 * resume starts a paused subscription again. Within its cycle nothing is charged before the cycle's end. What happens after that
 * end Razorpay does not document: here the charge that was due is made at once, for the cycle of the old schedule in
 * which this falls; cycles that were slept through are not billed. Throws {@link Refusal}.
 */
export function resume(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  if (entity.status !== 'paused') throw new Refusal(`subscription can't be resumed as subscription is in ${entity.status} state`)
  const change = beginChange(context, record)
  entity.status = 'active'
  entity.pause_initiated_by = null
  entity.charge_at = entity.current_end
  record.resumedAt = nowSeconds(context)
  change.tell('subscription.resumed', { subscription: entity })
}
