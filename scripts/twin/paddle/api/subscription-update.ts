import { z } from 'zod'
import { periodOf } from '../billing.ts'
import { Refusal, subscriptionRefusal } from '../errors.ts'
import { undoScheduledChange } from '../lifecycle.ts'
import { sumOf } from '../money.ts'
import { assertEditable, assertMode, changeItems, itemsOf } from '../plan-change.ts'
import { PRORATION_MODES, quote, settle } from '../proration.ts'
import type { Shop } from '../shop.ts'
import { customData } from '../state/catalog.ts'
import type { Subscription } from '../state/subscription.ts'
import { tellSubscription } from '../telling.ts'
import { iso, millis } from '../time.ts'
import { detailsOf } from '../wire/details.ts'
import { nextTransaction, recurring, subscriptionAnswer } from '../wire/subscription.ts'

const LOWEST_NOTICE_MS = 30 * 60_000

/** subscriptionChanges is the body of PATCH /subscriptions/{id} and of its preview. */
export const subscriptionChanges = z.object({
  items: z.array(z.object({ price_id: z.string(), quantity: z.number().int().min(1).optional() })).min(1).max(100).optional(),
  proration_billing_mode: z.enum(PRORATION_MODES).optional(),
  on_payment_failure: z.enum(['prevent_change', 'apply_change']).default('prevent_change'),
  scheduled_change: z.null().optional(),
  next_billed_at: z.iso.datetime().optional(),
  custom_data: customData.optional()
})
type Changes = z.output<typeof subscriptionChanges>

/** updateSubscription changes a subscription. An item that is left out is removed, as at Paddle. */
export function updateSubscription(shop: Shop, subscription: Subscription, wanted: Changes): void {
  assertEditable(shop, subscription)
  if (wanted.items) {
    const mode = assertMode(subscription, wanted.proration_billing_mode)
    changeItems(shop, subscription, itemsOf(shop, subscription, wanted.items), mode, wanted.on_payment_failure)
  }
  if (wanted.next_billed_at !== undefined) moveBillingDate(shop, subscription, wanted)
  if (wanted.scheduled_change === null) undoScheduledChange(shop, subscription)
  if (wanted.custom_data !== undefined) {
    subscription.custom_data = wanted.custom_data
    tellSubscription(shop, subscription, 'updated')
  }
}

/** previewUpdate is how a subscription would look after a change, and what it would cost; nothing changes. */
export function previewUpdate(shop: Shop, subscription: Subscription, wanted: Changes) {
  assertEditable(shop, subscription)
  const mode = wanted.items ? assertMode(subscription, wanted.proration_billing_mode) : 'do_not_bill'
  const items = wanted.items ? itemsOf(shop, subscription, wanted.items) : subscription.items
  const priced = quote(shop, subscription, items, mode)
  const settled = settle(priced, shop.wallet(subscription.customer_id).creditMinor)
  const after = structuredClone({ ...subscription, items })
  if (wanted.scheduled_change === null) after.scheduled_change = null
  if (priced.billed === 'next') after.pending.push(...priced.charges)
  if (priced.restart) {
    const schedule = { anchorMs: shop.nowMs(), cycles: 0, billing_cycle: priced.restart }
    Object.assign(after, schedule, { current_billing_period: priced.period })
  }
  const { currency_code } = subscription
  const sums = { lines: priced.charges, creditMinor: settled.usedMinor, toBalanceMinor: 0 }
  const bill = { ...sums, currency_code, status: 'draft' as const }
  const { id: _id, ...shown } = subscriptionAnswer(shop, after)
  const differenceMinor = sumOf(priced.charges) - priced.creditMinor
  const result = { action: differenceMinor < 0 ? 'credit' : 'charge', amount: String(Math.abs(differenceMinor)), currency_code }
  return {
    ...shown,
    immediate_transaction:
      priced.billed === 'now' && priced.charges.length > 0
        ? { billing_period: priced.period, details: detailsOf(shop, bill), adjustments: [] }
        : null,
    next_transaction: nextTransaction(shop, after),
    recurring_transaction_details: recurring(shop, after),
    update_summary:
      priced.billed === 'never'
        ? null
        : {
            credit: { amount: String(priced.creditMinor), currency_code },
            charge: { amount: String(sumOf(priced.charges)), currency_code },
            result
          }
  }
}

/** moveBillingDate lets the running period or trial end at another time, from which later periods count. */
function moveBillingDate(shop: Shop, subscription: Subscription, wanted: Changes): void {
  const mode = assertMode(subscription, wanted.proration_billing_mode)
  const period = subscription.current_billing_period
  const endMs = millis(wanted.next_billed_at ?? '')
  if (endMs - shop.nowMs() < LOWEST_NOTICE_MS || period === null) {
    const detail = 'next_billed_at must be at least 30 minutes away'
    throw new Refusal(400, 'subscriptions', 'subscription_next_billed_at_too_soon', detail)
  }
  if (mode !== 'do_not_bill') {
    throw new Refusal(501, 'shared', 'not_implemented', 'The twin moves billing dates with do_not_bill only.')
  }
  if (subscription.scheduled_change) throw subscriptionRefusal('subscription_locked_pending_changes')
  const next = periodOf({ anchorMs: endMs, cycles: 0, billing_cycle: subscription.billing_cycle })
  Object.assign(subscription, { anchorMs: endMs, cycles: -1, current_billing_period: { ...period, ends_at: next.starts_at } })
  if (subscription.status === 'trialing') {
    for (const item of subscription.items) item.trial_dates = { starts_at: period.starts_at, ends_at: iso(endMs) }
  }
  tellSubscription(shop, subscription, 'updated')
}
