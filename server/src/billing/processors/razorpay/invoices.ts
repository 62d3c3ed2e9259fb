import { z } from 'zod'
import { currencyCode, identifier } from '../../payload.ts'
import { ProcessorRefusal } from '../../processor.ts'
import type { Invoice, InvoiceDocument, InvoiceOwner } from '../../processor.ts'
import type { Asker } from './asking.ts'
import { minorUnits, seconds } from './shape.ts'

/**
 * STATUSES: an invoice does not say whether its payment was tried in vain, the subscription does; and it stays `paid` when the
 * payment is refunded.
 */
const STATUSES = {
  draft: 'draft',
  issued: 'open',
  partially_paid: 'open',
  paid: 'paid',
  cancelled: 'void',
  expired: 'void',
  deleted: 'void'
} as const

const invoice = z
  .object({
    entity: z.literal('invoice'),
    id: identifier,
    subscription_id: identifier.nullish(),
    invoice_number: z.string().nullish(),
    status: z.enum(['draft', 'issued', 'partially_paid', 'paid', 'cancelled', 'expired', 'deleted']),
    amount: minorUnits,
    currency: currencyCode,
    issued_at: seconds.nullish(),
    created_at: seconds,
    billing_start: seconds.nullish(),
    billing_end: seconds.nullish(),
    short_url: z.url({ protocol: /^https?$/ }).nullish()
  })
  .transform((raw) => ({
    subscriptionId: raw.subscription_id ?? null,
    pageUrl: raw.short_url ?? null,
    invoice: {
      id: raw.id,
      number: raw.invoice_number ?? null,
      status: STATUSES[raw.status],
      totalMinor: raw.amount,
      currency: raw.currency,
      issuedAt: raw.issued_at ?? raw.created_at,
      periodStart: raw.billing_start ?? null,
      periodEnd: raw.billing_end ?? null,
      hasDocument: (raw.short_url ?? null) !== null
    } satisfies Invoice
  }))

const invoicePage = z.object({ entity: z.literal('collection'), items: z.array(invoice) })

/**
 * listInvoices lists the invoices of the subscription (api/payments/subscriptions/fetch-invoices.md of razorpay/markdown-docs);
 * those of the customer could be another account's, whose buyer has the same e-mail address. Razorpay does not say whether a
 * list goes on: one more is asked for than is given.
 */
export async function listInvoices(
  asker: Asker,
  { subscriptionId, limit }: InvoiceOwner & { limit: number }
): Promise<{ invoices: Invoice[]; hasMore: boolean }> {
  if (subscriptionId === null) return { invoices: [], hasMore: false }
  const query = { subscription_id: subscriptionId, count: limit + 1 }
  const { items } = await asker.client.ask((sdk) => sdk.invoices.all(query), invoicePage)
  const newest = items.map((item) => item.invoice).toSorted((one, other) => Date.parse(other.issuedAt) - Date.parse(one.issuedAt))
  return { invoices: newest.slice(0, limit), hasMore: newest.length > limit }
}

/** invoiceDocument gives the page of an invoice of the subscription; Razorpay's API has no PDF. */
export async function invoiceDocument(
  asker: Asker,
  invoiceId: string,
  { subscriptionId }: InvoiceOwner
): Promise<InvoiceDocument | null> {
  try {
    const found = await asker.client.ask((sdk) => sdk.invoices.fetch(encodeURIComponent(invoiceId)), invoice)
    if (subscriptionId === null || found.subscriptionId !== subscriptionId || found.pageUrl === null) return null
    return { url: found.pageUrl, kind: 'page' }
  } catch (error) {
    if (error instanceof ProcessorRefusal && error.code === 'not_found') return null
    throw error
  }
}
