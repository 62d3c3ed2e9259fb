import { type Context, findRecord } from './context.ts'
import type { Invoice } from './money.ts'
import { day, escaped, money, wholePage } from './page-html.ts'

/** invoicePage is the HTML of the page of one invoice, which is paid by changing the card of its subscription. */
export function invoicePage(context: Context, invoice: Invoice): string {
  const { entity } = findRecord(context, invoice.subscription_id)
  const rows = invoice.line_items.map(({ name }) => `<p>${escaped(String(name))}</p>`)
  const parts = [
    `<p class="amount">${escaped(money(invoice.amount, invoice.currency))}</p>`,
    ...rows,
    `<p>${escaped(`${day(invoice.billing_start)} to ${day(invoice.billing_end)}`)}</p>`,
    `<p role="status">Issued on ${escaped(day(invoice.issued_at))}, ${invoice.status}.</p>`,
    invoice.status === 'issued' ? `<p><a class="back" href="${escaped(entity.short_url)}">Pay</a></p>` : ''
  ]
  return wholePage(`Invoice ${invoice.id}`, parts.join('\n'))
}
