/** Refusal is an answer of Paddle's that says no: its HTTP status, its code and a sentence (developer.paddle.com/errors). */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly area: string
  readonly fields: { field: string; message: string }[]
  constructor(status: number, area: string, code: string, detail: string, fields: Refusal['fields'] = []) {
    super(detail)
    this.status = status
    this.area = area
    this.code = code
    this.fields = fields
  }
}

/** notFound is the answer for an entity that is not there. */
export function notFound(kind: string, id: string): Refusal {
  return new Refusal(404, 'shared', 'not_found', `${kind} ${id} not found`)
}

/** SUBSCRIPTION_ERRORS are the refusals a subscription can answer with, under Paddle's codes; 409 where Paddle says so. */
const SUBSCRIPTION_ERRORS = {
  subscription_update_when_canceled: [400, 'cannot update subscription, as subscription is canceled'],
  subscription_is_canceled_action_invalid: [400, 'subscription is canceled, action invalid'],
  subscription_update_when_past_due: [400, 'cannot update subscription, as subscription is past due'],
  subscription_locked_renewal: [409, 'unable to update subscription 30m0s before renewal'],
  subscription_locked_pending_changes: [400, 'cannot update subscription, pending scheduled changes'],
  subscription_items_update_missing_proration_billing_mode: [
    400,
    'proration_billing_mode is required when updating subscription items'
  ],
  subscription_trialing_items_update_invalid_options: [400, 'trialing subscriptions can only be updated with do_not_bill'],
  subscription_incorrect_proration_on_paused_subscription: [
    400,
    '`proration_billing_mode` must be set to `do_not_bill` when updating a paused subscription'
  ],
  subscription_invalid_billing_mode_for_scheduled_change: [
    400,
    'Subscription has a scheduled change: it takes `do_not_bill`, `full_immediately` or `prorated_immediately` only'
  ],
  subscription_payment_declined: [400, 'payment declined'],
  subscription_cannot_be_paused: [400, 'subscription cannot be paused'],
  subscription_must_be_paused: [400, 'subscription must be paused'],
  subscription_cannot_activate: [400, 'only trialing subscriptions can be activated'],
  subscription_new_items_not_valid: [400, 'new items are not valid'],
  subscription_duplicate_price_ids: [400, 'the same price appears more than once'],
  subscription_no_recurring_items_remain: [400, 'a subscription needs at least one recurring item'],
  subscription_quantity_missing_for_new_items: [400, 'quantity is required for new items'],
  subscription_continuing_existing_billing_period_not_allowed: [400, 'the billing period that was paused is over']
} as const

/** SubscriptionErrorCode is one of Paddle's codes for a change that a subscription does not take. */
export type SubscriptionErrorCode = keyof typeof SUBSCRIPTION_ERRORS

/** subscriptionRefusal is the {@link Refusal} of a change to a subscription. */
export function subscriptionRefusal(code: SubscriptionErrorCode): Refusal {
  const [status, detail] = SUBSCRIPTION_ERRORS[code]
  return new Refusal(status, 'subscriptions', code, detail)
}
