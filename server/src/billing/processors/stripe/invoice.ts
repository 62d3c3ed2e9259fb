import { z } from 'zod'
import type { BillingItem } from '../../billing-event.ts'
import { currencyCode, identifier } from '../../payload.ts'
import { idsOf, metadata, paymentObject, priced, reference, seconds } from './shape.ts'

const line = z.object({
  metadata,
  period: z.object({ start: seconds, end: seconds }).nullish(),
  // Until API 2025-03-31:
  type: z.string().nullish(),
  proration: z.boolean().nullish(),
  price: priced,
  plan: priced,
  // Since then:
  parent: z.object({ subscription_item_details: z.object({ proration: z.boolean() }).nullish() }).nullish(),
  pricing: z.object({ price_details: z.object({ price: reference }).nullish() }).nullish()
})
type Line = z.output<typeof line>

/**
 * StripeInvoice is an invoice object of any API version in Parley's words; the subscription is null for one-off ones. Since
 * API 2025-03-31 `objectIds` is mostly empty: which payment settled an invoice is then told by `invoice_payment.paid`.
 */
export type StripeInvoice = {
  paymentId: string
  objectIds: string[]
  customerId: string | null
  subscriptionId: string | null
  accountId: string | null
  items: BillingItem[]
  amountPaid: number
  amountDue: number
  currency: string
}

/** OPENING are the billing reasons of invoices that pay for a whole period; all others are prorations, thresholds, one-offs. */
const OPENING = new Set(['subscription_create', 'subscription_cycle'])

/**
 * invoice parses an invoice object. The periods come from its lines: `invoice.period_start` is the period *before* (the
 * one whose loose items it collects). Lines beyond the first page (`has_more`) are left to the subscription's own event.
 */
export const invoice = z
  .object({
    object: z.literal('invoice'),
    id: identifier,
    customer: reference.nullish(),
    currency: currencyCode,
    amount_paid: z.int(),
    amount_due: z.int(),
    billing_reason: z.string().nullish(),
    period_end: seconds.nullish(),
    lines: z.object({ data: z.array(line) }),
    // Until API 2025-03-31:
    subscription: reference.nullish(),
    subscription_details: z.object({ metadata }).nullish(),
    payment_intent: reference.nullish(),
    charge: reference.nullish(),
    // Since then, and the payments only where they were expanded:
    payments: z.object({ data: z.array(z.object({ payment: paymentObject })) }).nullish(),
    parent: z
      .object({ subscription_details: z.object({ subscription: reference.nullish(), metadata }).nullish() })
      .nullish()
  })
  .transform((raw, context): StripeInvoice => {
    const details = raw.parent?.subscription_details
    const opens = OPENING.has(raw.billing_reason ?? '')
    const items: BillingItem[] = []
    for (const [place, one] of raw.lines.data.entries()) {
      if (!opens || !isWholePeriod(one)) continue
      const priceId = one.price?.id ?? one.plan?.id ?? one.pricing?.price_details?.price
      if (priceId === undefined || !one.period || one.period.start >= one.period.end) {
        const field = priceId === undefined ? 'price' : 'period'
        context.addIssue({ code: 'custom', path: ['lines', 'data', place, field], message: `expected a ${field}` })
        continue
      }
      // Metered prices are charged afterwards: their line is about the period that ends with this invoice.
      if (raw.period_end && one.period.end <= raw.period_end) continue
      items.push({ priceId, periodStart: one.period.start, periodEnd: one.period.end })
    }
    const paidBy = raw.payments?.data.flatMap(({ payment }) => payment) ?? []
    return {
      paymentId: raw.id,
      objectIds: idsOf(raw.payment_intent, raw.charge, ...paidBy),
      customerId: raw.customer ?? null,
      subscriptionId: details?.subscription ?? raw.subscription ?? null,
      accountId: details?.metadata ?? raw.subscription_details?.metadata ?? lineAccount(raw.lines.data),
      items,
      amountPaid: raw.amount_paid,
      amountDue: raw.amount_due,
      currency: raw.currency
    }
  })

/** isWholePeriod: a line for the subscription itself, neither a proration nor a one-off item. */
function isWholePeriod(one: Line): boolean {
  const details = one.parent?.subscription_item_details
  return details ? !details.proration : one.type === 'subscription' && one.proration === false
}

/** lineAccount: until mid 2023 the subscription's metadata were only to be had from its invoice lines. */
function lineAccount(lines: Line[]): string | null {
  return lines.map((one) => one.metadata).find((accountId) => accountId !== null) ?? null
}
