import { draftRenewal, itemLines } from '../billing.ts'
import type { Shop } from '../shop.ts'
import type { Item, Subscription } from '../state/subscription.ts'
import { detailsOf } from './details.ts'

/**
 * nextBilledAt is when a subscription is billed next: at the end of its period, unless it then ends or pauses. Paddle
 * does not say in so many words that a scheduled change empties it; Parley does not read it.
 */
export function nextBilledAt(subscription: Subscription): string | null {
  const action = subscription.scheduled_change?.action
  if (action === 'cancel' || action === 'pause') return null
  return subscription.current_billing_period?.ends_at ?? null
}

/** subscriptionEntity is a subscription as Paddle's notifications carry it. */
export function subscriptionEntity(shop: Shop, subscription: Subscription) {
  return {
    id: subscription.id,
    status: subscription.status,
    customer_id: subscription.customer_id,
    address_id: subscription.address_id,
    business_id: null,
    currency_code: subscription.currency_code,
    created_at: subscription.created_at,
    updated_at: subscription.updated_at,
    started_at: subscription.started_at,
    first_billed_at: subscription.first_billed_at,
    next_billed_at: nextBilledAt(subscription),
    paused_at: subscription.paused_at,
    canceled_at: subscription.canceled_at,
    discount: null,
    collection_mode: 'automatic',
    billing_details: null,
    current_billing_period: subscription.current_billing_period,
    billing_cycle: subscription.billing_cycle,
    scheduled_change: subscription.scheduled_change,
    items: subscription.items.map((item) => itemEntity(shop, subscription, item)),
    custom_data: subscription.custom_data,
    import_meta: null
  }
}

/** subscriptionAnswer is a subscription as the API answers it: with its management links, and what was asked to be included. */
export function subscriptionAnswer(shop: Shop, subscription: Subscription, include: string[] = []) {
  return {
    ...subscriptionEntity(shop, subscription),
    management_urls: managementUrls(shop, subscription),
    ...(include.includes('next_transaction') && { next_transaction: nextTransaction(shop, subscription) }),
    ...(include.includes('recurring_transaction_details') && { recurring_transaction_details: recurring(shop, subscription) })
  }
}

/** nextTransaction is what the next renewal will bill, or null where none comes. */
export function nextTransaction(shop: Shop, subscription: Subscription) {
  const draft = nextBilledAt(subscription) === null ? null : draftRenewal(shop, subscription)
  if (draft === null) return null
  const details = detailsOf(shop, { ...draft, toBalanceMinor: 0, status: 'draft' })
  return { billing_period: draft.period, details, adjustments: [] }
}

/** recurring is what each renewal bills as a rule. */
export function recurring(shop: Shop, subscription: Subscription) {
  const { currency_code } = subscription
  return detailsOf(shop, { lines: itemLines(subscription), currency_code, creditMinor: 0, toBalanceMinor: 0, status: 'draft' })
}

/** ITEM_STATUS is what Paddle's samples show of the items of a subscription in each status. */
const ITEM_STATUS: Record<Subscription['status'], string> = {
  trialing: 'trialing',
  active: 'active',
  past_due: 'active',
  paused: 'inactive',
  canceled: 'active'
}

function managementUrls(shop: Shop, subscription: Subscription) {
  const session = shop.state.portalSessions[subscription.portalSessionId]
  const page = `${shop.origin}/portal/${subscription.portalSessionId}?token=${session?.token ?? ''}`
  return { update_payment_method: `${page}#${subscription.id}`, cancel: `${page}#${subscription.id}` }
}

function itemEntity(shop: Shop, subscription: Subscription, item: Item) {
  const { price } = item
  return {
    status: ITEM_STATUS[subscription.status],
    quantity: item.quantity,
    recurring: price.billing_cycle !== null,
    created_at: item.created_at,
    updated_at: item.updated_at,
    previously_billed_at: item.previously_billed_at,
    next_billed_at: nextBilledAt(subscription),
    trial_dates: item.trial_dates,
    price,
    product: shop.product(price.product_id)
  }
}
