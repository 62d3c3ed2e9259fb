import type { Control } from '../dialect.ts'
import { applyChange, planChange } from './changes.ts'
import { payCheckout } from './checkout.ts'
import { collect, openInvoices } from './collection.ts'
import { deleteCustomer, giveCard } from './customers.ts'
import { endSubscription } from './ending.ts'
import { pauseSubscription, resumeSubscription } from './pausing.ts'
import { latestCharge } from './payments.ts'
import { closeDispute, disputeCharge, refundCharge } from './reversals.ts'
import { find, inOneChange, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { changeSubscription } from './subscriptions.ts'
import type { CustomerRecord, SubscriptionRecord } from './state.ts'

/** createControl makes what buyers, banks and the seller's dashboard do; see {@link Control}. */
export function createControl(shop: Shop): Control {
  const live = (id: string): SubscriptionRecord => {
    const one = find(shop.state.subscriptions, 'subscription', id)
    if (one.status === 'canceled') throw new Error(`The subscription ${id} is canceled.`)
    return one
  }
  return {
    pay: (checkoutId, card) => payCheckout(shop, find(shop.state.checkouts, 'checkout.session', checkoutId), card),
    setCard(subscriptionId, card) {
      inOneChange(shop, null, () => changeCard(shop, live(subscriptionId), card))
    },
    cancel(subscriptionId, when) {
      inOneChange(shop, null, () => {
        const one = live(subscriptionId)
        if (when === 'now') endSubscription(shop, one, 'cancellation_requested')
        else planEnd(shop, one, true)
      })
    },
    pause(subscriptionId) {
      inOneChange(shop, null, () => pauseSubscription(shop, live(subscriptionId), { credit: true, invoiceNow: false }))
    },
    resume(subscriptionId) {
      inOneChange(shop, null, () => {
        const one = live(subscriptionId)
        if (one.status === 'paused') resumeSubscription(shop, one, { restart: true, prorate: false, onSuccess: false })
        else planEnd(shop, one, false)
      })
    },
    changePrice(subscriptionId, priceId) {
      inOneChange(shop, null, () => {
        const one = live(subscriptionId)
        find(shop.state.prices, 'price', priceId)
        const items = one.items.map((item, place) => (place === 0 ? { ...item, priceId } : item))
        const plan = planChange(shop, one, items, { proration: 'create_prorations', at: now(shop), restart: false })
        applyChange(shop, one, plan, { proration: 'create_prorations', payment: 'allow_incomplete' })
      })
    },
    refund: (subscriptionId, amountMinor) =>
      inOneChange(shop, null, () =>
        refundCharge(shop, latestCharge(shop, subscriptionId), { amount: amountMinor ?? null, reason: null, metadata: {} })
      ).id,
    dispute: (subscriptionId) => inOneChange(shop, null, () => disputeCharge(shop, latestCharge(shop, subscriptionId))).id,
    closeDispute(disputeId, outcome) {
      inOneChange(shop, null, () => closeDispute(shop, find(shop.state.disputes, 'dispute', disputeId), outcome))
    },
    deleteCustomer(customerId) {
      const customer: CustomerRecord = find(shop.state.customers, 'customer', customerId)
      if (customer.deleted) throw new Error(`The customer ${customerId} is deleted already.`)
      inOneChange(shop, null, () => deleteCustomer(shop, customer))
    }
  }
}

/** changeCard gives the subscription's customer another card, and tries what is owed with it. */
export function changeCard(shop: Shop, one: SubscriptionRecord, card: Parameters<typeof giveCard>[2]): void {
  giveCard(shop, find(shop.state.customers, 'customer', one.customerId), card)
  for (const invoice of openInvoices(shop, one)) {
    // An earlier one may have been the last that Stripe was willing to try.
    if (invoice.status === 'open') collect(shop, invoice)
  }
}

/** planEnd plans the end of a subscription with its period, or takes that back. */
export function planEnd(shop: Shop, one: SubscriptionRecord, ends: boolean): void {
  changeSubscription(shop, one, () => {
    one.cancelAtPeriodEnd = ends
    one.cancelAt = null
    one.canceledAt = ends ? now(shop) : null
    one.cancelReason = ends ? 'cancellation_requested' : null
  })
}
