import { z } from 'zod'
import { applyChange, planChange } from './changes.ts'
import { planEnd } from './control.ts'
import { invalid } from './fault.ts'
import type { Form } from './form.ts'
import { anything, emptyable, flag, integer, merged, metadata, parameters, words } from './parameters.ts'
import { beginPeriod } from './periods.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { changeSubscription, makeItem } from './subscriptions.ts'
import type { ItemRecord, SubscriptionRecord } from './state.ts'

/** ITEMS is the parameter `items` of an update and of a preview. */
export const ITEMS = z
  .array(
    z.strictObject({
      id: words.optional(),
      price: words.optional(),
      quantity: integer.optional(),
      deleted: flag.optional(),
      metadata: metadata.optional(),
      clear_usage: anything
    })
  )
  .optional()

/** PRORATION is the parameter `proration_behavior`. */
export const PRORATION = z.enum(['create_prorations', 'always_invoice', 'none'])

const STOP = z.enum(['min_period_end', 'max_period_end']).optional()

const UPDATE = {
  items: ITEMS,
  proration_behavior: PRORATION.optional(),
  proration_date: integer.optional(),
  payment_behavior: z.enum(['allow_incomplete', 'error_if_incomplete', 'pending_if_incomplete']).optional(),
  billing_cycle_anchor: z.enum(['now', 'unchanged']).optional(),
  cancel_at_period_end: flag.optional(),
  cancel_at: z.union([z.literal('').transform(() => null), integer, STOP]).optional(),
  cancellation_details: z.strictObject({ comment: emptyable.optional(), feedback: emptyable.optional() }).optional(),
  pause_collection: z
    .union([
      z.literal(''),
      z.strictObject({ behavior: z.enum(['keep_as_draft', 'mark_uncollectible', 'void']), resumes_at: integer.optional() })
    ])
    .optional(),
  trial_end: z.union([z.literal('now'), integer]).optional(),
  description: emptyable.optional(),
  metadata: metadata.optional(),
  off_session: anything,
  payment_settings: anything,
  default_payment_method: anything,
  collection_method: z.literal('charge_automatically').optional(),
  trial_settings: anything
}

/** updateSubscription is `POST /v1/subscriptions/:id`: what may be refused comes first, so that a refusal changes nothing. */
export function updateSubscription(shop: Shop, one: SubscriptionRecord, form: Form): void {
  const asked = parameters(UPDATE, form)
  const ends = asked.cancel_at_period_end !== undefined || asked.cancel_at !== undefined
  if (
    one.status === 'canceled' &&
    Object.keys(form).some((name) => !['metadata', 'cancellation_details', 'expand'].includes(name))
  ) {
    throw invalid('A canceled subscription can only update its cancellation_details and metadata.')
  }
  if (ends && one.scheduleId !== null) {
    throw invalid(
      `The subscription is managed by the subscription schedule \`${one.scheduleId}\`, and updating any cancelation behavior ` +
        'directly is not allowed. Please update the schedule instead.',
      asked.cancel_at === undefined ? 'cancel_at_period_end' : 'cancel_at'
    )
  }
  if (asked.cancel_at_period_end && asked.cancel_at !== undefined)
    throw invalid('You may only specify one of these parameters: cancel_at, cancel_at_period_end.')
  if (
    asked.payment_behavior === 'pending_if_incomplete' &&
    (asked.metadata !== undefined || ends || asked.description !== undefined)
  ) {
    throw invalid(
      'With `payment_behavior=pending_if_incomplete` only items, proration and trial can be updated.',
      'payment_behavior'
    )
  }
  if (typeof asked.cancel_at === 'number' && asked.cancel_at <= now(shop))
    throw invalid('`cancel_at` must be in the future.', 'cancel_at')
  if (asked.trial_end !== undefined && one.status !== 'trialing') {
    throw invalid('At the twin only a running trial can be changed.', 'trial_end')
  }
  if (typeof asked.trial_end === 'number' && asked.trial_end <= now(shop)) {
    throw invalid('Timestamp must be an integer Unix timestamp in the future.', 'trial_end')
  }
  if (one.pendingUpdate && asked.items)
    throw invalid('This subscription has a pending update; it has to be settled first.', 'items')
  if (asked.items !== undefined || asked.billing_cycle_anchor === 'now') changeItems(shop, one, asked)
  if (asked.trial_end !== undefined) changeTrial(shop, one, asked.trial_end)
  if (asked.cancel_at_period_end !== undefined && asked.cancel_at_period_end !== one.cancelAtPeriodEnd)
    planEnd(shop, one, asked.cancel_at_period_end)
  changeSubscription(shop, one, () => changeFacts(shop, one, asked))
}

type Asked = z.output<z.ZodObject<typeof UPDATE>>

function changeItems(shop: Shop, one: SubscriptionRecord, asked: Asked): void {
  const items = asked.items ? wantedItems(shop, one, asked.items) : one.items
  const proration = asked.proration_behavior ?? 'create_prorations'
  const at = prorationDate(one, asked.proration_date, now(shop))
  const plan = planChange(shop, one, items, { proration, at, restart: asked.billing_cycle_anchor === 'now' })
  applyChange(shop, one, plan, { proration, payment: asked.payment_behavior ?? 'allow_incomplete' })
}

/** prorationDate is the time from which a change counts; it lies in the present period. */
export function prorationDate(one: SubscriptionRecord, wanted: number | undefined, nowSeconds: number): number {
  if (wanted === undefined) return nowSeconds
  if (wanted < one.periodStart || wanted > one.periodEnd) {
    throw invalid('Cannot specify `proration_date` outside of the current billing period.', 'proration_date')
  }
  return wanted
}

/** wantedItems are the items after a change: those with an id are changed or deleted, those without are added. */
export function wantedItems(shop: Shop, one: SubscriptionRecord, asked: NonNullable<z.output<typeof ITEMS>>): ItemRecord[] {
  const items = one.items.map((item) => ({ ...item }))
  for (const [place, wish] of asked.entries()) {
    if (wish.price !== undefined) {
      const price = find(shop.state.prices, 'price', wish.price, `items[${place}][price]`)
      if (price.interval === null || price.currency !== one.currency)
        throw invalid('The price must be recurring, and in the currency of the subscription.', `items[${place}][price]`)
      if (!price.active && !items.some(({ priceId }) => priceId === price.id))
        throw invalid('The price specified is inactive. This field only accepts active prices.', `items[${place}][price]`)
    }
    const kept = items.find(({ id }) => id === wish.id)
    if (wish.id !== undefined && !kept) find({}, 'subscription item', wish.id, `items[${place}][id]`)
    if (kept && wish.deleted) items.splice(items.indexOf(kept), 1)
    else if (kept) {
      kept.priceId = wish.price ?? kept.priceId
      kept.quantity = wish.quantity ?? kept.quantity
      kept.metadata = merged(kept.metadata, wish.metadata)
    } else if (wish.price === undefined)
      throw invalid(`Missing required param: items[${place}][price].`, `items[${place}][price]`, 'parameter_missing')
    else items.push(makeItem(shop, { priceId: wish.price, quantity: wish.quantity ?? 1 }))
  }
  if (items.length === 0) throw invalid('A subscription must have at least one active price.', 'items')
  const intervals = new Set(
    items.map(({ priceId }) => `${shop.state.prices[priceId]?.intervalCount} ${shop.state.prices[priceId]?.interval}`)
  )
  if (intervals.size > 1)
    throw invalid('All prices on a subscription must have the same `recurring.interval` and `recurring.interval_count`.', 'items')
  if (new Set(items.map(({ priceId }) => priceId)).size < items.length)
    throw invalid('Cannot add multiple subscription items with the same plan.', 'items')
  return items
}

function changeTrial(shop: Shop, one: SubscriptionRecord, end: number | 'now'): void {
  const at = end === 'now' ? now(shop) : end
  changeSubscription(shop, one, () => {
    one.trialEnd = at
    one.anchor = at
    one.periodEnd = at
    one.trialWarned = false
  })
  if (end === 'now') beginPeriod(shop, one)
}

function changeFacts(shop: Shop, one: SubscriptionRecord, asked: Asked): void {
  one.metadata = merged(one.metadata, asked.metadata)
  if (asked.description !== undefined) one.description = asked.description
  if (asked.cancellation_details?.comment !== undefined) one.cancelComment = asked.cancellation_details.comment
  if (asked.cancellation_details?.feedback !== undefined) one.cancelFeedback = asked.cancellation_details.feedback
  if (asked.pause_collection !== undefined) {
    const wish = asked.pause_collection
    one.pauseCollection = wish === '' ? null : { behavior: wish.behavior, resumesAt: wish.resumes_at ?? null }
  }
  if (asked.cancel_at === undefined) return
  const at = typeof asked.cancel_at === 'string' ? one.periodEnd : asked.cancel_at
  one.cancelAt = at
  one.cancelAtPeriodEnd = false
  one.canceledAt = at === null ? null : now(shop)
  one.cancelReason = at === null ? null : 'cancellation_requested'
}
