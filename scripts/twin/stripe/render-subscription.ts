import { renderList, renderPlan, renderPrice } from './render-catalog.ts'
import { find } from './shop.ts'
import type { JsonObject } from './shop.ts'
import type { CustomerRecord, ItemRecord, ScheduleRecord, State, SubscriptionRecord } from './state.ts'

/** The default of this API version; the older mode cannot be paused. */
const FLEXIBLE = { type: 'flexible', flexible: { proration_discounts: 'included' } }
const NO_TAX = { enabled: false, liability: null, disabled_reason: null }

/** renderItem words one item of a subscription; since API 2025-03-31 the period is here. */
export function renderItem(state: State, one: SubscriptionRecord, item: ItemRecord): JsonObject {
  const price = find(state.prices, 'price', item.priceId)
  return {
    id: item.id,
    object: 'subscription_item',
    billing_thresholds: null,
    created: item.created,
    current_period_end: one.periodEnd,
    current_period_start: one.periodStart,
    current_trial: null,
    discounts: [],
    metadata: item.metadata,
    plan: renderPlan(price),
    price: renderPrice(price),
    quantity: item.quantity,
    subscription: one.id,
    tax_rates: []
  }
}

/** renderSubscription words a subscription as Stripe's API does. */
export function renderSubscription(state: State, one: SubscriptionRecord): JsonObject {
  const customer: CustomerRecord = find(state.customers, 'customer', one.customerId)
  const items = one.items.map((item) => renderItem(state, one, item))
  return {
    id: one.id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: NO_TAX,
    billing_cycle_anchor: one.anchor,
    billing_cycle_anchor_config: null,
    billing_mode: FLEXIBLE,
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: one.cancelAtPeriodEnd ? one.periodEnd : one.cancelAt,
    cancel_at_period_end: one.cancelAtPeriodEnd,
    canceled_at: one.canceledAt,
    cancellation_details: { comment: one.cancelComment, feedback: one.cancelFeedback, reason: one.cancelReason },
    collection_method: 'charge_automatically',
    created: one.created,
    currency: one.currency,
    customer: one.customerId,
    customer_account: null,
    days_until_due: null,
    default_payment_method: customer.paymentMethodId,
    default_source: null,
    default_tax_rates: [],
    description: one.description,
    discounts: [],
    ended_at: one.endedAt,
    invoice_settings: { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: { type: 'self' } },
    items: renderList(`/v1/subscription_items?subscription=${one.id}`, items),
    latest_invoice: one.latestInvoiceId,
    livemode: false,
    managed_payments: null,
    metadata: one.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: one.pauseCollection && {
      behavior: one.pauseCollection.behavior,
      resumes_at: one.pauseCollection.resumesAt
    },
    payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: 'off' },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: renderPendingUpdate(state, one),
    schedule: one.scheduleId,
    start_date: one.created,
    status: one.status,
    ...(one.pausedAt === null
      ? {}
      : {
          status_details: {
            paused: { subscription: { type: 'pause_requested' }, transitioned_at: one.pausedAt, type: 'subscription' }
          }
        }),
    test_clock: null,
    transfer_data: null,
    trial_end: one.trialEnd,
    trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' } },
    trial_start: one.trialStart
  }
}

function renderPendingUpdate(state: State, one: SubscriptionRecord): JsonObject | null {
  if (!one.pendingUpdate) return null
  return {
    billing_cycle_anchor: null,
    discount: null,
    discounts: null,
    expires_at: one.pendingUpdate.expiresAt,
    metadata: null,
    subscription_items: one.pendingUpdate.items.map((item) => renderItem(state, one, item)),
    trial_end: null,
    trial_from_plan: null
  }
}

/** renderSchedule words a subscription schedule; `nowSeconds` tells which phase is the current one. */
export function renderSchedule(state: State, one: ScheduleRecord, nowSeconds: number): JsonObject {
  const current =
    one.status === 'active' ? one.phases.find(({ start, end }) => start <= nowSeconds && nowSeconds < end) : undefined
  const invoiceSettings = {
    account_tax_ids: null,
    custom_fields: null,
    days_until_due: null,
    description: null,
    footer: null,
    issuer: { type: 'self' }
  }
  return {
    id: one.id,
    object: 'subscription_schedule',
    application: null,
    billing_mode: FLEXIBLE,
    canceled_at: one.canceledAt,
    completed_at: one.completedAt,
    created: one.created,
    current_phase: current ? { end_date: current.end, start_date: current.start } : null,
    customer: one.customerId,
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      automatic_tax: NO_TAX,
      billing_cycle_anchor: 'automatic',
      billing_thresholds: null,
      collection_method: 'charge_automatically',
      default_payment_method: null,
      description: null,
      invoice_settings: invoiceSettings,
      on_behalf_of: null,
      transfer_data: null
    },
    end_behavior: one.endBehavior,
    livemode: false,
    metadata: one.metadata,
    pause_schedules: [],
    phases: one.phases.map((phase) => ({
      add_invoice_items: [],
      application_fee_percent: null,
      billing_cycle_anchor: null,
      billing_thresholds: null,
      collection_method: null,
      currency: find(state.prices, 'price', phase.items[0]?.priceId ?? '').currency,
      default_payment_method: null,
      default_tax_rates: [],
      description: null,
      discounts: [],
      end_date: phase.end,
      invoice_settings: null,
      items: phase.items.map((item) => ({
        billing_thresholds: null,
        discounts: [],
        metadata: item.metadata,
        plan: item.priceId,
        price: item.priceId,
        quantity: item.quantity,
        tax_rates: []
      })),
      metadata: phase.metadata,
      on_behalf_of: null,
      proration_behavior: phase.proration,
      start_date: phase.start,
      transfer_data: null,
      trial_end: phase.trialEnd
    })),
    released_at: one.releasedAt,
    released_subscription: one.releasedSubscriptionId,
    status: one.status,
    subscription: one.subscriptionId,
    test_clock: null
  }
}
