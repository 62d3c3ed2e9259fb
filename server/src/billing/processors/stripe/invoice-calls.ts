import { z } from 'zod'
import { ProcessorRefusal } from '../../processor.ts'
import type { ProcessorApi } from '../../processor.ts'
import type { Caller } from './api.ts'
import { asking, timeLeft } from './asking.ts'
import { chargePage, invoiceWithOwner, listedInvoice } from './invoice-answers.ts'
import type { ListedInvoice } from './invoice-answers.ts'

/** The most charges that Stripe lists at once. */
const CHARGES = 100

/**
 * invoiceCalls are the calls about invoices. A customer of Stripe's belongs to one account, because every first checkout makes
 * a new one: all of the customer's invoices are the account's, those of ended subscriptions too.
 */
export function invoiceCalls(caller: Caller): Pick<ProcessorApi, 'listInvoices' | 'invoiceDocument'> {
  const { stripe, timeoutMs, nowMs } = caller
  return {
    async listInvoices({ customerId, subscriptionId, limit }) {
      if (customerId === null && subscriptionId === null) return { invoices: [], hasMore: false }
      const owner = customerId === null ? { subscription: subscriptionId ?? '' } : { customer: customerId }
      const time = timeLeft(timeoutMs)
      const shape = z.object({ object: z.literal('list'), data: z.array(listedInvoice(nowMs())), has_more: z.boolean() })
      const page = await asking(shape, () => stripe.invoices.list({ ...owner, limit, expand: ['data.payments'] }, time()))
      const refunded = await refundedOf(caller, page.data, time)
      const invoices = page.data.map(({ invoice, paidBy }) =>
        paidBy.some((id) => refunded.has(id)) ? { ...invoice, status: 'refunded' as const } : invoice
      )
      return { invoices, hasMore: page.has_more }
    },

    async invoiceDocument(invoiceId, owner) {
      try {
        const found = await asking(invoiceWithOwner, () => stripe.invoices.retrieve(invoiceId, {}, timeLeft(timeoutMs)()))
        const isTheirs =
          owner.customerId === null
            ? owner.subscriptionId !== null && found.subscriptionId === owner.subscriptionId
            : found.customerId === owner.customerId
        return isTheirs ? found.document : null
      } catch (error) {
        if (error instanceof ProcessorRefusal && error.code === 'not_found') return null
        throw error
      }
    }
  }
}

/**
 * refundedOf gives the payments and charges that were refunded in full, by one request more: an invoice does not tell it. Of
 * the customer's newest charges only, so that an old invoice may go on as paid.
 */
async function refundedOf({ stripe }: Caller, listed: ListedInvoice[], time: () => { timeout: number }): Promise<Set<string>> {
  const paid = listed.find(({ invoice, paidBy }) => invoice.status === 'paid' && paidBy.length > 0)
  const customer = paid?.customerId ?? null
  if (customer === null) return new Set()
  return asking(chargePage, () => stripe.charges.list({ customer, limit: CHARGES }, time()))
}
