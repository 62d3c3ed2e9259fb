import type { TransactionOrigin } from '@paddle/paddle-node-sdk'
import { z } from 'zod'
import { currencyCode, identifier } from '../../payload.ts'
import { ProcessorRefusal } from '../../processor.ts'
import type { Invoice, ProcessorApi } from '../../processor.ts'
import { pathPart, readAnswer } from './connection.ts'
import type { Connection } from './connection.ts'
import { minorUnits, time } from './shape.ts'

/** STATUSES: what is not billed yet (`draft`, `ready`) is a checkout that may never be paid, and no invoice. */
const STATUSES = { billed: 'open', paid: 'paid', completed: 'paid', past_due: 'past_due', canceled: 'void' } as const

/** ORIGINS: all but the transaction over nothing by which a customer changes the card. */
const ORIGINS: TransactionOrigin[] = ['api', 'web', 'subscription_recurring', 'subscription_update', 'subscription_charge']

const adjustment = z.object({ action: z.string(), status: z.string(), totals: z.object({ total: minorUnits }).nullish() })

/** bill is a transaction in the names of the SDK. */
const bill = z
  .object({
    id: identifier,
    status: z.enum(['draft', 'ready', 'billed', 'paid', 'completed', 'past_due', 'canceled']),
    subscriptionId: identifier.nullish(),
    collectionMode: z.string(),
    invoiceNumber: z.string().nullish(),
    currencyCode,
    billingPeriod: z.object({ startsAt: time, endsAt: time }).nullish(),
    details: z.object({ totals: z.object({ grandTotal: minorUnits, creditToBalance: minorUnits }) }),
    createdAt: time,
    billedAt: time.nullish(),
    adjustments: z.array(adjustment).nullish()
  })
  .transform((raw) => {
    const { grandTotal, creditToBalance } = raw.details.totals
    const returned = (raw.adjustments ?? [])
      .filter(({ action, status }) => action === 'refund' && status === 'approved')
      .reduce((sum, { totals }) => sum + Math.abs(totals?.total ?? 0), 0)
    const status = raw.status === 'draft' || raw.status === 'ready' ? null : STATUSES[raw.status]
    const isPrinted = raw.status === 'completed' || (raw.status === 'billed' && raw.collectionMode === 'manual')
    return {
      subscriptionId: raw.subscriptionId ?? null,
      invoice: status && {
        id: raw.id,
        number: raw.invoiceNumber ?? null,
        status: status === 'paid' && grandTotal > 0 && returned >= grandTotal ? 'refunded' : status,
        // Credit has its field beside a total of 0.
        totalMinor: grandTotal === 0 ? 0 - Math.abs(creditToBalance) : grandTotal,
        currency: raw.currencyCode,
        issuedAt: raw.billedAt ?? raw.createdAt,
        periodStart: raw.billingPeriod?.startsAt ?? null,
        periodEnd: raw.billingPeriod?.endsAt ?? null,
        // Paddle prints what was paid, or is sent as a demand for payment, and nothing that comes to zero.
        hasDocument: isPrinted && grandTotal !== 0
      } satisfies Invoice
    }
  })

const pdf = z.object({ url: z.url({ protocol: /^https?$/ }) })

/**
 * invoiceCalls are the calls about invoices, which at Paddle are transactions (developer.paddle.com/api-reference/transactions).
 * Only those of the subscription: a customer of Paddle's is an e-mail address, under which several accounts may buy.
 */
export function invoiceCalls({ paddle, startCall }: Connection): Pick<ProcessorApi, 'listInvoices' | 'invoiceDocument'> {
  const { transactions } = paddle
  return {
    async listInvoices({ subscriptionId, limit }) {
      if (subscriptionId === null) return { invoices: [], hasMore: false }
      const list = transactions.list({
        subscriptionId: [subscriptionId],
        status: ['billed', 'paid', 'completed', 'past_due', 'canceled'],
        origin: ORIGINS,
        orderBy: 'id[DESC]',
        perPage: limit,
        include: ['adjustment']
      })
      const entities = await startCall()(() => list.next())
      const bills = readAnswer(z.array(bill), entities)
      return { invoices: bills.flatMap(({ invoice }) => invoice ?? []), hasMore: list.hasMore }
    },

    async invoiceDocument(invoiceId, { subscriptionId }) {
      const ask = startCall()
      try {
        const found = readAnswer(bill, await ask(() => transactions.get(pathPart(invoiceId))))
        const isTheirs = subscriptionId !== null && found.subscriptionId === subscriptionId
        if (!isTheirs || !found.invoice?.hasDocument) return null
        const made = await ask(() => transactions.getInvoicePDF(pathPart(invoiceId), { disposition: 'inline' }))
        return { url: readAnswer(pdf, made).url, kind: 'pdf' }
      } catch (error) {
        if (error instanceof ProcessorRefusal && error.code === 'not_found') return null
        throw error
      }
    }
  }
}
