import { cycleStart } from './calendar.ts'
import { type Charge, chargeInvoice, tellCharge } from './charge.ts'
import { type Context, findPlan, found, nowSeconds } from './context.ts'
import type { Change } from './events.ts'
import { issueInvoice } from './invoice.ts'
import type { Invoice } from './money.ts'
import type { SubscriptionRecord } from './state.ts'

const DAY_SECONDS = 86_400
const FAILURES_BEFORE_HALT = 4

/**
 * startSchedule lets a subscription's cycles run from `anchorAt`, in Unix seconds: with the first one, and again when a change
 * to a plan of another frequency opens a new cycle on the spot.
 */
export function startSchedule(context: Context, record: SubscriptionRecord, anchorAt: number): void {
  record.anchorAt = anchorAt
  record.cycle = -1
  setEnd(context, record)
}

/**
 * openCycle begins the next cycle: its dates, its invoice, one less remaining. `remaining_count` counts invoices, not
 * payments: the sample of `subscription.pending` has 12 in all, 1 paid, 10 remaining.
 */
export function openCycle(context: Context, record: SubscriptionRecord): Invoice {
  const { entity } = record
  const plan = findPlan(context, entity.plan_id)
  const anchorAt = record.anchorAt ?? nowSeconds(context)
  record.cycle += 1
  const start = cycleStart(anchorAt, plan, record.cycle)
  const end = cycleStart(anchorAt, plan, record.cycle + 1)
  entity.current_start = start
  entity.current_end = end
  entity.remaining_count -= 1
  entity.auth_attempts = 0
  setEnd(context, record)
  const invoice = issueInvoice(context, record, { amountMinor: plan.item.amount * entity.quantity, start, end })
  record.openInvoiceId = invoice.id
  return invoice
}

/** setEnd keeps `end_at`, the start of the last cycle, and the total in step with what remains. */
export function setEnd(context: Context, record: SubscriptionRecord): void {
  const { entity } = record
  if (record.anchorAt === null) return
  entity.end_at = cycleStart(record.anchorAt, findPlan(context, entity.plan_id), record.cycle + entity.remaining_count)
}

/** chargeCycle tries the open invoice and tells how it went; see {@link settle}. */
export function chargeCycle(context: Context, record: SubscriptionRecord, change: Change, atCheckout = false): boolean {
  const invoice = found(context.state.invoices, record.openInvoiceId ?? '')
  const charge = chargeInvoice(context, record, invoice, atCheckout)
  settle(context, record, change, charge)
  return charge.paid
}

// A failed charge is tried again on each of the three days after; then the subscription halts (payment-retries.md).
function settle(context: Context, record: SubscriptionRecord, change: Change, charge: Charge): void {
  const { entity } = record
  tellCharge(change, charge)
  if (charge.paid) {
    const back = entity.status !== 'active'
    entity.status = 'active'
    entity.auth_attempts = 0
    entity.halted_at = null
    entity.paid_count += 1
    entity.charge_at = entity.current_end
    record.openInvoiceId = null
    if (back) change.tell('subscription.activated', { subscription: entity, payment: charge.payment })
    if (entity.remaining_count === 0) entity.charge_at = null
    change.tell('subscription.charged', { subscription: entity, payment: charge.payment })
    if (entity.remaining_count === 0) complete(context, record, change, charge)
    return
  }
  entity.auth_attempts += 1
  if (entity.auth_attempts >= FAILURES_BEFORE_HALT) {
    halt(context, record, change)
    return
  }
  entity.status = 'pending'
  entity.charge_at = nowSeconds(context) + DAY_SECONDS
  change.tell('subscription.pending', { subscription: entity })
}

function halt(context: Context, record: SubscriptionRecord, change: Change): void {
  const { entity } = record
  entity.status = 'halted'
  entity.halted_at = nowSeconds(context)
  entity.charge_at = entity.current_end
  change.tell('subscription.halted', { subscription: entity })
}

/**
 * complete ends a subscription whose last invoice was made. It does so when that one is paid, at the *start* of the last
 * cycle: so the sample of `subscription.completed` (ended_at = end_at = current_start).
 */
export function complete(context: Context, record: SubscriptionRecord, change: Change, charge: Charge | null): void {
  const { entity } = record
  entity.status = 'completed'
  entity.ended_at = nowSeconds(context)
  entity.charge_at = null
  change.tell('subscription.completed', { subscription: entity, ...(charge && { payment: charge.payment }) })
}
