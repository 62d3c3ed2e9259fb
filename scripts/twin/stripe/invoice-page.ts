import type { Response, Router } from 'express'
import { invoicePdf } from '../invoice-pdf.ts'
import { html, sendPage, sendSorry } from './html.ts'
import { money } from './lines.ts'
import type { Shop } from './shop.ts'
import type { InvoiceRecord } from './state.ts'

/** addInvoicePages serves an invoice as the page `/invoice/<id>` and the PDF `/invoice/<id>/pdf`. */
export function addInvoicePages(router: Router, shop: Shop): void {
  router.get('/invoice/:id', (req, res) => {
    const invoice = finalized(shop, req.params.id, res)
    if (invoice) sendInvoice(res, invoice)
  })
  router.get('/invoice/:id/pdf', (req, res) => {
    const invoice = finalized(shop, req.params.id, res)
    if (!invoice) return
    res.attachment(`Invoice-${invoice.number}.pdf`).set('cache-control', 'no-store')
    res.send(printed(invoice))
  })
}

function finalized(shop: Shop, id: string, res: Response): InvoiceRecord | null {
  const invoice = Object.hasOwn(shop.state.invoices, id) ? shop.state.invoices[id] : undefined
  if (invoice && invoice.finalizedAt !== null) return invoice
  sendSorry(res, 404, 'No such invoice', 'There is no invoice at this address.')
  return null
}

function sendInvoice(res: Response, invoice: InvoiceRecord): void {
  const rows = invoice.lines.map(
    (line) =>
      html`<tr>
        <td>${line.description}<br /><span class="quiet">${periodOf(line)}</span></td>
        <td>${money(line.amount, invoice.currency)}</td>
      </tr>`
  )
  const content = html`<section>
    <h1>Invoice ${invoice.number ?? 'draft'}</h1>
    <p class="quiet">${dayOf(invoice.created)} · ${invoice.status}</p>
    <table>
      ${rows}
      <tr>
        <td>Due</td>
        <td>${money(invoice.amountDue, invoice.currency)}</td>
      </tr>
    </table>
    <a class="button second" href="/invoice/${invoice.id}/pdf">Download</a>
  </section>`
  sendPage(res, `Invoice ${invoice.number ?? ''}`, content)
}

function printed(invoice: InvoiceRecord): Buffer {
  return invoicePdf([
    `Invoice ${invoice.number ?? ''}`,
    'Offline twin of Stripe: no real money moved.',
    `${dayOf(invoice.finalizedAt ?? invoice.created)}, ${invoice.status}`,
    ...invoice.lines.map((line) => `${line.description} (${periodOf(line)}): ${money(line.amount, invoice.currency)}`),
    `Amount due: ${money(invoice.amountDue, invoice.currency)}`
  ])
}

function periodOf(line: InvoiceRecord['lines'][number]): string {
  return `${dayOf(line.periodStart)} to ${dayOf(line.periodEnd)}`
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}
