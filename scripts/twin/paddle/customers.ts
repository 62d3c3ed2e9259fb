import { Refusal } from './errors.ts'
import type { Shop } from './shop.ts'
import type { CustomData } from './state/catalog.ts'
import type { Address, Customer, PortalSession } from './state/customer.ts'

/** NewCustomer is what a customer is made of. */
export type NewCustomer = { email: string; name?: string | null; locale?: string; custom_data?: CustomData }

/** createCustomer makes a customer. One email has one active customer. */
export function createCustomer(shop: Shop, { email, name = null, locale = 'en', custom_data = null }: NewCustomer): Customer {
  const other = customerWithEmail(shop, email)
  if (other) {
    const detail = `customer email conflicts with customer of id ${other.id}`
    throw new Refusal(409, 'customers', 'customer_already_exists', detail)
  }
  const now = shop.stamp()
  const customer: Customer = {
    id: shop.id('ctm'),
    name,
    email,
    locale,
    status: 'active',
    marketing_consent: false,
    custom_data,
    created_at: now,
    updated_at: now,
    import_meta: null
  }
  shop.state.customers[customer.id] = customer
  shop.tell('customer.created', customer)
  return customer
}

/** updateCustomer changes some of a customer. */
export function updateCustomer(shop: Shop, customer: Customer, changes: Partial<Customer>): void {
  Object.assign(customer, changes, { updated_at: shop.stamp() })
  shop.tell('customer.updated', customer)
}

/** customerWithEmail is the active customer of an email. */
export function customerWithEmail(shop: Shop, email: string): Customer | undefined {
  const wanted = email.toLowerCase()
  return Object.values(shop.state.customers).find((one) => one.status === 'active' && one.email.toLowerCase() === wanted)
}

/** addressOf is a customer's address; a customer who has none gives one at the checkout. */
export function addressOf(shop: Shop, customer: Customer): Address {
  const known = Object.values(shop.state.addresses).find((one) => one.customer_id === customer.id)
  if (known) return known
  const now = shop.stamp()
  const address: Address = {
    id: shop.id('add'),
    customer_id: customer.id,
    description: null,
    first_line: null,
    second_line: null,
    city: null,
    postal_code: '10021',
    region: null,
    country_code: 'US',
    custom_data: null,
    status: 'active',
    created_at: now,
    updated_at: now,
    import_meta: null
  }
  shop.state.addresses[address.id] = address
  shop.tell('address.created', address)
  return address
}

/** openPortal makes a link to the portal page of a customer; `lifetimeMs` null = it does not run out. */
export function openPortal(shop: Shop, customerId: string, lifetimeMs: number | null): PortalSession {
  const expires_ms = lifetimeMs === null ? null : shop.nowMs() + lifetimeMs
  const session = { id: shop.id('cpls'), customer_id: customerId, token: shop.secret('pga_'), expires_ms }
  shop.state.portalSessions[session.id] = session
  return session
}
