import { z } from 'zod'
import type { BillingItem } from '../../billing-event.ts'
import { currencyCode, identifier } from '../../payload.ts'
import { customData, minorUnits, period } from './shape.ts'

/** PaddleTransaction is a transaction entity in Parley's words. */
export type PaddleTransaction = {
  paymentId: string
  customerId: string | null
  subscriptionId: string | null
  accountId: string | null
  items: BillingItem[]
  amountMinor: number
  currency: string
}

/**
 * OPENING are the origins of transactions that pay for a whole period: a renewal, or the first bill. An update, a
 * one-off charge and a change of the payment method carry the running period too, and open nothing.
 */
const OPENING = new Set(['subscription_recurring', 'web', 'api'])

/** transaction parses a transaction entity; prices without a billing cycle are one-off and are no items. */
export const transaction = z
  .object({
    id: identifier,
    origin: z.string(),
    customer_id: identifier.nullish(),
    subscription_id: identifier.nullish(),
    custom_data: customData,
    currency_code: currencyCode,
    billing_period: period.nullish(),
    details: z.object({ totals: z.object({ grand_total: minorUnits }) }),
    items: z.array(z.object({ price: z.object({ id: identifier, billing_cycle: z.object({}).nullable() }) }))
  })
  .transform((raw): PaddleTransaction => {
    const paidPeriod = OPENING.has(raw.origin) ? raw.billing_period : null
    const recurring = raw.items.filter((item) => item.price.billing_cycle !== null)
    return {
      paymentId: raw.id,
      customerId: raw.customer_id ?? null,
      subscriptionId: raw.subscription_id ?? null,
      accountId: raw.custom_data,
      items: paidPeriod
        ? recurring.map((item) => ({
            priceId: item.price.id,
            periodStart: paidPeriod.starts_at,
            periodEnd: paidPeriod.ends_at
          }))
        : [],
      amountMinor: raw.details.totals.grand_total,
      currency: raw.currency_code
    }
  })
