import { cycleStart } from './calendar.ts'
import { chargeInvoice, tellCharge } from './charge.ts'
import { capturedPayments, type Context, findPlan, found, nowSeconds } from './context.ts'
import { setEnd, startSchedule } from './cycle.ts'
import { beginChange, type Change } from './events.ts'
import { issueInvoice } from './invoice.ts'
import { differenceMinor } from './proration.ts'
import { Refusal } from './refusal.ts'
import { refundPayment } from './reversals.ts'
import type { Changes, Plan, SubscriptionRecord } from './state.ts'

const MINIMUM_DIFFERENCE_MINOR = 50

/**
 * update changes a subscription's plan, quantity or remaining count, `now` with Razorpay's proration or at the `cycle_end`.
 * Only authenticated and active ones can be changed. Razorpay changes plans only where the card is not an Indian one;
 * the twin's cards are not, as its prices are in dollars. Throws {@link Refusal}; a declined difference changes nothing.
 */
export function update(
  context: Context,
  record: SubscriptionRecord,
  changes: Changes,
  when: 'now' | 'cycle_end',
  startAt?: number
): void {
  const { entity } = record
  if (entity.status !== 'authenticated' && entity.status !== 'active') {
    throw new Refusal("Can't update subscription when subscription is not in Authenticated or Active state", { field: 'status' })
  }
  if (changes.plan_id !== undefined) findPlan(context, changes.plan_id)
  if (startAt !== undefined) moveStart(context, record, startAt)
  if (when === 'cycle_end') {
    record.scheduled = { ...record.scheduled, ...changes }
    entity.has_scheduled_changes = true
    entity.change_scheduled_at = entity.charge_at
    context.world.changed()
    return
  }
  const change = beginChange(context, record)
  if (entity.status === 'active') bill(context, record, changes, change)
  record.scheduled = null
  apply(context, record, changes)
  change.tell('subscription.updated', { subscription: entity })
}

/** applyScheduled makes a scheduled change real as a cycle ends, before the next is billed; false when there is none. */
export function applyScheduled(context: Context, record: SubscriptionRecord): boolean {
  const changes = record.scheduled
  if (changes === null) return false
  const differs = frequencyOf(context, record.entity.plan_id) !== frequencyOf(context, changes.plan_id ?? record.entity.plan_id)
  record.scheduled = null
  apply(context, record, changes)
  if (differs && record.cycle >= 0) startSchedule(context, record, record.entity.current_end ?? nowSeconds(context))
  return true
}

/** dropScheduled takes a scheduled change back. Throws {@link Refusal} when there is none. */
export function dropScheduled(context: Context, record: SubscriptionRecord): void {
  requireScheduled(record)
  record.scheduled = null
  record.entity.has_scheduled_changes = false
  record.entity.change_scheduled_at = null
  context.world.changed()
}

/** requireScheduled is the scheduled change. Throws {@link Refusal} when there is none (observed). */
export function requireScheduled(record: SubscriptionRecord): Changes {
  if (record.scheduled === null) throw new Refusal('No Pending update for this subscription')
  return record.scheduled
}

// The order matters: the invoice is for the new plan, but nothing may have changed when the charge fails.
function bill(context: Context, record: SubscriptionRecord, changes: Changes, change: Change): void {
  const { entity } = record
  const at = nowSeconds(context)
  const old = { plan: findPlan(context, entity.plan_id), quantity: entity.quantity }
  const next = { plan: findPlan(context, changes.plan_id ?? entity.plan_id), quantity: changes.quantity ?? entity.quantity }
  const amount = differenceMinor(old, next, entity.current_start ?? at, at)
  if (amount !== 0 && Math.abs(amount) < MINIMUM_DIFFERENCE_MINOR) {
    throw new Refusal('The prorated difference between the plans is less than the minimum of 50 currency subunits', {
      field: 'plan_id'
    })
  }
  const reanchored = frequencyOf(context, old.plan.id) !== frequencyOf(context, next.plan.id)
  const end = reanchored ? cycleStart(at, next.plan, 1) : (entity.current_end ?? at)
  if (amount > 0) {
    const invoice = issueInvoice(context, record, { amountMinor: amount, start: at, end })
    const charge = chargeInvoice(context, record, invoice, false)
    tellCharge(change, charge)
    if (!charge.paid) {
      Object.assign(invoice, { status: 'cancelled', cancelled_at: at })
      throw new Refusal('The subscription was not updated as the payment of the difference failed', { reason: 'payment_failed' })
    }
    reanchor(context, record, next.plan, reanchored ? at : null)
    apply(context, record, changes)
    change.tell('subscription.charged', { subscription: entity, payment: charge.payment })
    return
  }
  if (amount < 0) giveBack(context, record, -amount, change)
  reanchor(context, record, next.plan, reanchored ? at : null)
}

function reanchor(context: Context, record: SubscriptionRecord, plan: Plan, at: number | null): void {
  if (at === null) return
  const { entity } = record
  entity.plan_id = plan.id
  entity.remaining_count -= 1
  startSchedule(context, record, at)
  record.cycle = 0
  entity.current_start = at
  entity.current_end = cycleStart(at, plan, 1)
  entity.charge_at = entity.current_end
}

// Razorpay makes a credit note over the sum of all payments and refunds it; the newest payments bear it first.
function giveBack(context: Context, record: SubscriptionRecord, amountMinor: number, change: Change): void {
  let rest = amountMinor
  for (const payment of capturedPayments(context, record.entity.id)) {
    const part = Math.min(rest, payment.amount - payment.amount_refunded)
    if (part > 0) refundPayment(context, payment, { amountMinor: part, change })
    rest -= part
    if (rest === 0) return
  }
}

function apply(context: Context, record: SubscriptionRecord, changes: Changes): void {
  const { entity } = record
  entity.plan_id = changes.plan_id ?? entity.plan_id
  entity.quantity = changes.quantity ?? entity.quantity
  entity.customer_notify = changes.customer_notify ?? entity.customer_notify
  if (changes.remaining_count !== undefined) {
    entity.total_count += changes.remaining_count - entity.remaining_count
    entity.remaining_count = changes.remaining_count
  }
  entity.has_scheduled_changes = false
  entity.change_scheduled_at = null
  setEnd(context, record)
}

function moveStart(context: Context, record: SubscriptionRecord, startAt: number): void {
  const { entity } = record
  if (entity.status !== 'authenticated')
    throw new Refusal('start_at cannot be updated once the subscription has started', { field: 'start_at' })
  if (startAt < nowSeconds(context)) throw new Refusal('start_at cannot be lesser than the current time.', { field: 'start_at' })
  entity.start_at = startAt
  entity.charge_at = startAt
  startSchedule(context, record, startAt)
}

function frequencyOf(context: Context, planId: string): string {
  const plan = found(context.state.plans, planId)
  return `${plan.interval} ${plan.period}`
}
