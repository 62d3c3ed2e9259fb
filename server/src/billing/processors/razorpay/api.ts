import { ProcessorRefusal } from '../../processor.ts'
import type { ProcessorApi } from '../../processor.ts'
import { ENDED, fetchEntity } from './asking.ts'
import type { Asker } from './asking.ts'
import { cancel, changePlan, fetchState, pause, resume, undoPlanChange } from './change.ts'
import { createCheckout, expireCheckout, fetchCheckout } from './checkout.ts'
import { invoiceDocument, listInvoices } from './invoices.ts'
import { listSince } from './list.ts'

/**
 * createApi makes the calls of the port. `begin` begins the time that all requests of one call have together. What a change
 * would cost Razorpay does not tell beforehand: `previewChange` is always null.
 */
export function createApi(begin: () => Asker): ProcessorApi {
  return {
    createCheckout: async (request, key) => createCheckout(begin(), request, key),
    fetchCheckout: async (checkoutId) => fetchCheckout(begin(), checkoutId),
    expireCheckout: async (checkoutId) => expireCheckout(begin(), checkoutId),
    previewChange: async () => null,
    changePlan: async (change) => changePlan(begin(), change),
    undoPlanChange: async (change) => undoPlanChange(begin(), change),
    cancel: async (change) => cancel(begin(), change),
    resume: async (change) => resume(begin(), change),
    pause: async (change) => pause(begin(), change),
    portal: async ({ subscriptionId }) => portal(begin(), subscriptionId),
    listInvoices: async (request) => listInvoices(begin(), request),
    invoiceDocument: async (invoiceId, owner) => invoiceDocument(begin(), invoiceId, owner),
    fetchSubscription: async (subscriptionId) => fetchState(begin(), subscriptionId),
    listSince: async (request) => listSince(begin(), request)
  }
}

/**
 * portal returns the subscription's own page, the nearest thing to a portal at Razorpay: there the customer pays what is open
 * and changes the payment method (payments/subscriptions/payment-retries.md). It has no invoices and no way back.
 */
async function portal(asker: Asker, subscriptionId: string | null): Promise<{ url: string }> {
  if (subscriptionId === null) {
    throw new ProcessorRefusal('not_possible', 'Razorpay has no page for a customer without a subscription.')
  }
  const { pageUrl, razorpayStatus } = await fetchEntity(asker, subscriptionId)
  if (pageUrl === null || ENDED.has(razorpayStatus)) {
    throw new ProcessorRefusal('not_possible', 'Razorpay has no page for this subscription.')
  }
  return { url: pageUrl }
}
