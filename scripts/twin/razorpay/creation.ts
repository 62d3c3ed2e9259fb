import type { z } from 'zod'
import type { TwinPrice } from '../dialect.ts'
import { maximumCount } from './calendar.ts'
import { type Context, findPlan, newId, nowSeconds } from './context.ts'
import { startSchedule } from './cycle.ts'
import { Refusal } from './refusal.ts'
import type { planRequest, subscriptionRequest } from './requests.ts'
import type { Plan, SubscriptionRecord } from './state.ts'

/** seedPlans makes the plans of Parley's catalog, under their own ids. A plan that is there stays: Razorpay cannot change one. */
export function seedPlans(context: Context, prices: TwinPrice[]): void {
  for (const price of prices) {
    if (Object.hasOwn(context.state.plans, price.id)) continue
    addPlan(context, price.id, {
      period: price.interval === 'year' ? 'yearly' : 'monthly',
      interval: 1,
      item: { name: price.planName, amount: price.amountMinor, currency: price.currency, description: null },
      // As the setup writes them, so that it finds these instead of making more.
      notes: { parley_plan: price.plan, parley_interval: price.interval, parley_version: '1' }
    })
  }
}

/** createPlan makes a plan with an id of its own. Throws {@link Refusal}. */
export function createPlan(context: Context, request: z.infer<typeof planRequest>): Plan {
  if (request.period === 'daily' && request.interval < 7) {
    throw new Refusal('For daily plans, minimum interval should be 7', { field: 'interval' })
  }
  return addPlan(context, newId(context, 'plan_'), request)
}

function addPlan(context: Context, id: string, request: z.infer<typeof planRequest>): Plan {
  const at = nowSeconds(context)
  const plan: Plan = {
    id,
    entity: 'plan',
    interval: request.interval,
    period: request.period,
    item: {
      id: newId(context, 'item_'),
      active: true,
      name: request.item.name,
      description: request.item.description,
      amount: request.item.amount,
      unit_amount: request.item.amount,
      currency: request.item.currency,
      type: 'plan',
      unit: null,
      tax_inclusive: false,
      hsn_code: null,
      sac_code: null,
      tax_rate: null,
      tax_id: null,
      tax_group_id: null,
      created_at: at,
      updated_at: at
    },
    notes: request.notes,
    created_at: at
  }
  context.state.plans[id] = plan
  context.world.changed()
  return plan
}

/** createSubscription makes a subscription that waits at its hosted page for the buyer. Throws {@link Refusal}. */
export function createSubscription(context: Context, request: z.infer<typeof subscriptionRequest>): SubscriptionRecord {
  const plan = findPlan(context, request.plan_id)
  const at = nowSeconds(context)
  const most = maximumCount(plan)
  if (request.total_count > most) {
    throw new Refusal(`Exceeds the maximum total_count (${most}) allowed for the given period and interval`, {
      field: 'total_count'
    })
  }
  if (request.start_at !== undefined && request.start_at <= at) {
    throw new Refusal('start_at cannot be lesser than the current time.', { field: 'start_at' })
  }
  if (request.expire_by !== undefined && request.expire_by <= at) {
    throw new Refusal('Link expire by cannot be lesser than the current time.', { field: 'expire_by' })
  }
  if (Object.keys(request.notes).length > 15) throw new Refusal('The notes may not have more than 15 items.', { field: 'notes' })
  const id = newId(context, 'sub_')
  const record: SubscriptionRecord = {
    entity: {
      id,
      entity: 'subscription',
      plan_id: plan.id,
      customer_id: null,
      status: 'created',
      current_start: null,
      current_end: null,
      ended_at: null,
      quantity: request.quantity,
      notes: request.notes,
      charge_at: request.start_at ?? null,
      start_at: request.start_at ?? null,
      end_at: null,
      auth_attempts: 0,
      total_count: request.total_count,
      paid_count: 0,
      customer_notify: request.customer_notify,
      created_at: at,
      paused_at: null,
      halted_at: null,
      expire_by: request.expire_by ?? null,
      short_url: `${context.origin}/i/${id}`,
      has_scheduled_changes: false,
      change_scheduled_at: null,
      source: 'api',
      payment_method: null,
      offer_id: null,
      remaining_count: request.total_count,
      pause_initiated_by: null,
      cancel_initiated_by: null
    },
    card: null,
    anchorAt: null,
    cycle: -1,
    cancelAtCycleEnd: false,
    scheduled: null,
    openInvoiceId: null,
    resumedAt: null,
    lastChangeAt: 0
  }
  if (request.start_at !== undefined) startSchedule(context, record, request.start_at)
  context.state.subscriptions[id] = record
  context.world.changed()
  return record
}
