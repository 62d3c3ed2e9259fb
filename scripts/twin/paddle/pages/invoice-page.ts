import { Router } from 'express'
import { z } from 'zod'
import type { Context } from '../api/context.ts'
import { Refusal } from '../errors.ts'
import { invoicePdf } from '../../invoice-pdf.ts'
import { amountsOf } from '../money.ts'
import type { Shop } from '../shop.ts'
import type { Transaction } from '../state/transaction.ts'
import { amountText, dayText } from './html.ts'

/** How long the address of a PDF can be used (developer.paddle.com/api-reference/transactions/get-transaction-invoice). */
const VALID_MS = 3_600_000

const query = z.object({ expires: z.coerce.number().int(), disposition: z.enum(['attachment', 'inline']) })

/**
 * invoiceUrl is where a transaction's PDF can be had for an hour. @throws {Refusal} for one that is not completed, or of zero
 * value: those have none. Paddle does not publish under which code it says so.
 */
export function invoiceUrl(shop: Shop, transaction: Transaction, disposition: 'attachment' | 'inline'): string {
  assertPrinted(transaction)
  const url = new URL(`${shop.origin}/invoices/${transaction.id}.pdf`)
  url.searchParams.set('disposition', disposition)
  url.searchParams.set('expires', String(shop.nowMs() + VALID_MS))
  return url.href
}

/** invoicePages serve the PDFs. */
export function invoicePages({ shop }: Context): Router {
  const router = Router()
  router.get('/invoices/:id.pdf', (req, res) => {
    const { expires, disposition } = query.parse(req.query)
    if (shop.nowMs() >= expires) throw new Refusal(403, 'shared', 'forbidden', 'This address has expired. Ask for another one.')
    const transaction = shop.transaction(z.string().parse(req.params.id))
    assertPrinted(transaction)
    res.set('content-disposition', `${disposition}; filename="invoice_${transaction.invoice_number}.pdf"`)
    res.type('application/pdf').send(printed(shop, transaction))
  })
  return router
}

function assertPrinted(transaction: Transaction): void {
  if (transaction.status === 'completed' && amountsOf(transaction).grandTotalMinor !== 0) return
  const detail = `there is no invoice PDF of the transaction: it is ${transaction.status}, or of zero value`
  throw new Refusal(400, 'transactions', 'transaction_invoice_not_available', detail)
}

function printed(shop: Shop, transaction: Transaction): Buffer {
  const { billing_period: period, currency_code: currency } = transaction
  const { creditMinor, grandTotalMinor } = amountsOf(transaction)
  return invoicePdf([
    `Invoice ${transaction.invoice_number}`,
    'Paddle, offline twin: no real money moved.',
    dayText(transaction.billed_at ?? transaction.created_at),
    ...(period === null ? [] : [`Period: ${dayText(period.starts_at)} to ${dayText(period.ends_at)}`]),
    ...transaction.lines.map((line) => {
      const { name, description } = shop.price(line.price_id)
      return `${line.quantity} x ${name ?? description}: ${amountText(line.amountMinor, currency)}`
    }),
    ...(creditMinor === 0 ? [] : [`Credit: ${amountText(creditMinor, currency)}`]),
    `Paid: ${amountText(grandTotalMinor, currency)}`
  ])
}
