import { z } from 'zod'
import type { BillingItem, SubscriptionStatus } from '../../billing-event.ts'
import { currencyCode, identifier } from '../../payload.ts'
import { customData, minorUnits, period, time } from './shape.ts'

/**
 * FirstPayment is the transaction a new subscription was bought with, which only `subscription.created` names. The amount is null
 * where it is not the sum of the prices: in a trial, with a discount, in a currency other than that of the prices.
 */
export type FirstPayment = { paymentId: string; amountMinor: number | null; currency: string | null }

/** PaddleSubscription is a subscription entity in Parley's words. */
export type PaddleSubscription = {
  id: string
  customerId: string
  accountId: string | null
  status: SubscriptionStatus
  items: BillingItem[]
  cancelsAt: string | null
  trialEndsAt: string | null
  firstPayment: FirstPayment | null
}

const unitPrice = z.object({ amount: minorUnits, currency_code: currencyCode })

/**
 * subscription parses a subscription entity. One billing period holds for all items; paused and canceled subscriptions
 * have none, which says nothing about the last one. A scheduled change is a plan, not a state: only a planned
 * cancellation is told on. A trial belongs to a price, so that its dates stand at the item.
 */
export const subscription = z
  .object({
    id: identifier,
    status: z.enum(['trialing', 'active', 'past_due', 'paused', 'canceled']),
    customer_id: identifier,
    items: z
      .array(
        z.object({
          price: z.object({ id: identifier, unit_price: unitPrice.nullish() }),
          quantity: z.number().int().positive().nullish(),
          recurring: z.boolean().nullish(),
          trial_dates: z.object({ ends_at: time }).nullish()
        })
      )
      .min(1),
    current_billing_period: period.nullable(),
    scheduled_change: z.object({ action: z.string(), effective_at: time }).nullish(),
    custom_data: customData,
    currency_code: currencyCode.nullish(),
    discount: z.unknown().optional(),
    transaction_id: identifier.nullish()
  })
  .transform((raw): PaddleSubscription => {
    const periodStart = raw.current_billing_period?.starts_at ?? null
    const periodEnd = raw.current_billing_period?.ends_at ?? null
    // One-off items of a first bill stay listed; they are no part of what is subscribed to.
    const recurring = raw.items.filter((item) => item.recurring !== false)
    const isFullPrice = raw.status !== 'trialing' && (raw.discount ?? null) === null
    const paid = isFullPrice ? sumOf(recurring, raw.currency_code ?? null) : null
    return {
      id: raw.id,
      customerId: raw.customer_id,
      accountId: raw.custom_data,
      status: raw.status,
      items: recurring.map((item) => ({ priceId: item.price.id, periodStart, periodEnd })),
      cancelsAt: raw.scheduled_change?.action === 'cancel' ? raw.scheduled_change.effective_at : null,
      trialEndsAt: recurring.find((item) => item.trial_dates)?.trial_dates?.ends_at ?? null,
      firstPayment: raw.transaction_id
        ? { paymentId: raw.transaction_id, amountMinor: paid?.amountMinor ?? null, currency: paid?.currency ?? null }
        : null
    }
  })

type PricedItem = { price: { unit_price?: z.output<typeof unitPrice> | null | undefined }; quantity?: number | null | undefined }

/** sumOf adds up what the items cost; null where that is not known, or not in the subscription's currency. */
function sumOf(items: PricedItem[], currency: string | null): { amountMinor: number; currency: string } | null {
  let amountMinor = 0
  for (const { price, quantity } of items) {
    if (price.unit_price?.currency_code !== currency) return null
    amountMinor += price.unit_price.amount * (quantity ?? 1)
  }
  return currency === null || items.length === 0 ? null : { amountMinor, currency }
}
