import { z } from 'zod'
import { currencyCode, identifier } from '../../payload.ts'
import type { Invoice, InvoiceDocument } from '../../processor.ts'
import { paymentObject, reference, seconds } from './shape.ts'

/** webPage is an address that a browser may be sent to. */
const webPage = z.url({ protocol: /^https?$/ })

const shown = z.object({
  object: z.literal('invoice'),
  id: identifier,
  customer: reference.nullish(),
  parent: z.object({ subscription_details: z.object({ subscription: reference.nullish() }).nullish() }).nullish(),
  invoice_pdf: webPage.nullish(),
  hosted_invoice_url: webPage.nullish()
})

/** invoiceWithOwner parses an invoice down to whose it is and where it can be read: at best as a PDF. */
export const invoiceWithOwner = shown.transform((raw) => ({
  customerId: raw.customer ?? null,
  subscriptionId: raw.parent?.subscription_details?.subscription ?? null,
  document: documentOf(raw)
}))

function documentOf(raw: Pick<z.output<typeof shown>, 'invoice_pdf' | 'hosted_invoice_url'>): InvoiceDocument | null {
  if (raw.invoice_pdf) return { url: raw.invoice_pdf, kind: 'pdf' }
  return raw.hosted_invoice_url ? { url: raw.hosted_invoice_url, kind: 'page' } : null
}

const line = z.object({
  period: z.object({ start: seconds, end: seconds }),
  parent: z.object({ subscription_item_details: z.object({ proration: z.boolean() }).nullish() }).nullish()
})

/**
 * ListedInvoice is an invoice and what it was paid by (payment intents, charges), without which nobody can tell that it was
 * refunded.
 */
export type ListedInvoice = { invoice: Invoice; customerId: string | null; paidBy: string[] }

/**
 * listedInvoice parses an invoice of a list, with its payments expanded. Its period is that of its line that ends last, whole
 * periods before prorations: `period_start` of the invoice is of the period before. An open one whose collection was tried, or
 * whose date is over by `nowMs`, is past due; one that is being debited from a bank account for days looks the same.
 */
export function listedInvoice(nowMs: number) {
  return shown
    .extend({
      number: z.string().nullish(),
      status: z.enum(['draft', 'open', 'paid', 'void', 'uncollectible']),
      total: z.int(),
      amount_due: z.int(),
      currency: currencyCode,
      created: seconds,
      status_transitions: z.object({ finalized_at: seconds.nullish() }),
      attempted: z.boolean(),
      due_date: z.int().nullish(),
      lines: z.object({ data: z.array(line) }),
      payments: z.object({ data: z.array(z.object({ payment: paymentObject })) }).nullish()
    })
    .transform((raw): ListedInvoice => {
      const isPastDue = raw.status === 'open' && (raw.attempted || (raw.due_date ?? Infinity) * 1000 < nowMs)
      const whole = raw.lines.data.filter((one) => one.parent?.subscription_item_details?.proration === false)
      const [last] = (whole.length > 0 ? whole : raw.lines.data)
        .map((one) => one.period)
        .toSorted((one, other) => Date.parse(other.end) - Date.parse(one.end))
      return {
        invoice: {
          id: raw.id,
          number: raw.number ?? null,
          status: isPastDue ? 'past_due' : raw.status,
          totalMinor: raw.total < 0 ? raw.total : raw.amount_due,
          currency: raw.currency,
          issuedAt: raw.status_transitions.finalized_at ?? raw.created,
          periodStart: last?.start ?? null,
          periodEnd: last?.end ?? null,
          hasDocument: documentOf(raw) !== null
        },
        customerId: raw.customer ?? null,
        paidBy: raw.payments?.data.flatMap(({ payment }) => payment) ?? []
      }
    })
}

/** chargePage parses charges down to the ids of those that were refunded in full, and of their payment intents. */
export const chargePage = z
  .object({
    object: z.literal('list'),
    data: z.array(z.object({ id: identifier, payment_intent: reference.nullish(), refunded: z.boolean() }))
  })
  .transform(({ data }) => {
    const refunded = data.filter((charge) => charge.refunded)
    return new Set(refunded.flatMap(({ id, payment_intent: intent }) => (intent ? [id, intent] : [id])))
  })
