import type { Card } from '../dialect.ts'
import { changeCustomer } from './customer-change.ts'
import { endSubscription } from './ending.ts'
import { renderCustomer, renderWholeCustomer } from './render-catalog.ts'
import { emit, find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import type { CustomerRecord } from './state.ts'

/** CustomerDetails are what a seller can write on a customer. */
export type CustomerDetails = Pick<CustomerRecord, 'email' | 'name' | 'description' | 'phone' | 'metadata'>

/** makeCustomer adds a customer without a card. */
export function makeCustomer(shop: Shop, details: CustomerDetails): CustomerRecord {
  const customer: CustomerRecord = {
    ...details,
    id: shop.world.id('cus_', 14),
    created: now(shop),
    currency: null,
    balance: 0,
    card: null,
    paymentMethodId: null,
    delinquent: false,
    invoicePrefix: shop.world.id('', 8).toUpperCase(),
    nextInvoiceNumber: 1,
    deleted: false
  }
  shop.state.customers[customer.id] = customer
  emit(shop, 'customer.created', renderCustomer(customer))
  return customer
}

/** liveCustomer gives a customer that was not deleted; `param` is the parameter that named it. */
export function liveCustomer(shop: Shop, id: string, param?: string): CustomerRecord {
  const customer = find(shop.state.customers, 'customer', id, param)
  return customer.deleted ? find({}, 'customer', id, param) : customer
}

/** giveCard makes a card the one that a customer's invoices are charged to. */
export function giveCard(shop: Shop, customer: CustomerRecord, card: Card): void {
  changeCustomer(shop, customer, () => {
    customer.card = card
    customer.paymentMethodId = shop.world.id('pm_')
  })
}

/** deleteCustomer deletes a customer for good; Stripe cancels the subscriptions at once. */
export function deleteCustomer(shop: Shop, customer: CustomerRecord): void {
  for (const one of Object.values(shop.state.subscriptions)) {
    if (one.customerId === customer.id && one.status !== 'canceled') endSubscription(shop, one, 'cancellation_requested')
  }
  const whole = renderWholeCustomer(customer)
  customer.deleted = true
  emit(shop, 'customer.deleted', whole)
}
