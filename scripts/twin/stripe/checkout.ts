import type { Card } from '../dialect.ts'
import { DAY } from './calendar.ts'
import { billNow } from './collection.ts'
import { giveCard, liveCustomer, makeCustomer } from './customers.ts'
import { invalid } from './fault.ts'
import { createInvoice } from './invoices.ts'
import { wholeLine } from './lines.ts'
import { chargeCard, LAST4, makePaymentIntent } from './payments.ts'
import { dueToday, renderCheckout } from './render-page-objects.ts'
import { emit, find, inOneChange, now } from './shop.ts'
import type { Shop } from './shop.ts'
import { makeItem, makeSubscription, tellSubscription } from './subscriptions.ts'
import type { CheckoutRecord, CustomerRecord, SubscriptionRecord } from './state.ts'

/**
 * payCheckout is the buyer who presses Pay. A card that is declined leaves the checkout open and makes neither customer
 * nor subscription. Throws Error with a sentence where the checkout is not open.
 */
export function payCheckout(shop: Shop, checkout: CheckoutRecord, card: Card, email: string | null = null): boolean {
  if (checkout.status !== 'open') throw new Error(`The checkout ${checkout.id} is ${checkout.status}.`)
  if (now(shop) >= checkout.expiresAt) throw new Error(`The checkout ${checkout.id} has expired.`)
  return inOneChange(shop, null, () => {
    if (card === 'declined') {
      tellOfDecline(shop, checkout)
      return false
    }
    const customer = buyerOf(shop, checkout, email)
    giveCard(shop, customer, card)
    subscribe(shop, checkout, customer)
    return true
  })
}

function tellOfDecline(shop: Shop, checkout: CheckoutRecord): void {
  const amount = dueToday(shop.state, checkout)
  // Where a trial begins the card is only set up: nothing is charged, and Parley is told nothing.
  if (amount === 0) return
  const { currency } = find(shop.state.prices, 'price', checkout.priceId)
  const description = 'Subscription creation'
  const intent = makePaymentIntent(shop, { customerId: checkout.customerId, invoiceId: null, amount, currency, description })
  chargeCard(shop, intent, { paymentMethodId: shop.world.id('pm_'), last4: LAST4.declined, email: checkout.customerEmail }, false)
}

function buyerOf(shop: Shop, checkout: CheckoutRecord, email: string | null): CustomerRecord {
  if (checkout.customerId !== null) return liveCustomer(shop, checkout.customerId)
  const address = checkout.customerEmail ?? email ?? 'buyer@example.com'
  return makeCustomer(shop, { email: address, name: null, description: null, phone: null, metadata: {} })
}

function subscribe(shop: Shop, checkout: CheckoutRecord, customer: CustomerRecord): void {
  const trialEnd = checkout.trialEnd ?? (checkout.trialDays > 0 ? now(shop) + checkout.trialDays * DAY : null)
  const one = makeSubscription(shop, {
    customerId: customer.id,
    items: [makeItem(shop, { priceId: checkout.priceId, quantity: checkout.quantity })],
    trialEnd,
    metadata: { ...checkout.subscriptionMetadata },
    description: checkout.subscriptionDescription
  })
  tellSubscription(shop, 'customer.subscription.created', one)
  checkout.invoiceId = firstBill(shop, one)
  checkout.status = 'complete'
  checkout.paid = trialEnd === null
  checkout.customerId = customer.id
  checkout.subscriptionId = one.id
  emit(shop, 'checkout.session.completed', renderCheckout(shop.state, checkout, shop.origin))
}

/** firstBill is paid at once; while on trial it is for nothing. */
function firstBill(shop: Shop, one: SubscriptionRecord): string {
  const period = { start: one.periodStart, end: one.periodEnd }
  const lines = one.items.map((item) => wholeLine(shop, one, item, period, one.trialEnd !== null))
  const bill = {
    reason: 'subscription_create' as const,
    lines,
    periodStart: one.created,
    periodEnd: one.created,
    finalizesAt: null
  }
  const invoice = createInvoice(shop, one, bill)
  billNow(shop, invoice, true)
  return invoice.id
}

/** expireCheckout makes a checkout that is open unpayable. */
export function expireCheckout(shop: Shop, checkout: CheckoutRecord): void {
  if (checkout.status !== 'open') {
    throw invalid(
      `Only Checkout Sessions with a status in ["open"] can be expired. This one has a status of \`${checkout.status}\`.`,
      'session'
    )
  }
  checkout.status = 'expired'
  emit(shop, 'checkout.session.expired', renderCheckout(shop.state, checkout, shop.origin))
}
