import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { apiOf } from '../billing/operations.ts'
import { AnswerUnknown, ProcessorRefusal } from '../billing/processor.ts'
import { type InvoiceBody, type InvoiceDocument, invoiceParamsSchema, type Invoices } from '../contract/invoices.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { Problem } from '../errors.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseParams } from '../http/validate.ts'
import { processorProblem } from './billing-problems.ts'

/** Enough for two years by the month, and no more than every processor gives at once. */
const LIMIT = 24

/**
 * invoicesRouter shows the invoices of the account as the processor of its subscription has them; Parley keeps none. Every
 * member may read them, as the subscription. An invoice is given only to the customer whom the processor names on it.
 */
export function invoicesRouter(parts: Parts): Router {
  const { db } = parts
  const router = express.Router()
  router.get('/api/billing/invoices', async (_req, res) => {
    const { processor, customerId, subscriptionId } = await readSubscription(db, { accountId: sessionOf(res).accountId })
    if (processor === null) {
      res.json({ data: [], hasMore: false } satisfies Invoices)
      return
    }
    try {
      const { invoices, hasMore } = await apiOf(parts, processor).listInvoices({ customerId, subscriptionId, limit: LIMIT })
      const data = invoices.map(({ id, totalMinor, currency, ...invoice }): InvoiceBody => {
        return {
          invoiceId: id,
          processor,
          number: invoice.number,
          status: invoice.status,
          total: { amountMinor: totalMinor, currency },
          issuedAt: formatTime(invoice.issuedAt),
          periodStart: formatTime(invoice.periodStart),
          periodEnd: formatTime(invoice.periodEnd),
          hasDocument: invoice.hasDocument
        }
      })
      res.json({ data, hasMore } satisfies Invoices)
    } catch (error) {
      // That a processor does not know its own customer is no answer to what was bought.
      throw processorProblem(error instanceof ProcessorRefusal ? new AnswerUnknown(error.message, { cause: error }) : error)
    }
  })

  router.get('/api/billing/invoices/:invoiceId/document', async (req, res) => {
    const { invoiceId } = parseParams(invoiceParamsSchema, req)
    const { processor, customerId, subscriptionId } = await readSubscription(db, { accountId: sessionOf(res).accountId })
    if (processor === null) throw noDocument()
    try {
      const document = await apiOf(parts, processor).invoiceDocument(invoiceId, { customerId, subscriptionId })
      if (document === null) throw noDocument()
      res.json(document satisfies InvoiceDocument)
    } catch (error) {
      throw error instanceof ProcessorRefusal ? noDocument(error) : processorProblem(error)
    }
  })
  return router
}

function noDocument(cause?: ProcessorRefusal): Problem {
  return new Problem('not_found', 'There is no such invoice of this account, or nothing to read of it.', { cause })
}
