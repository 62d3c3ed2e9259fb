import { type Context, found, newId, nowSeconds } from './context.ts'
import { Refusal } from './refusal.ts'
import { customerRequest, read } from './requests.ts'
import type { Customer } from './state.ts'

/**
 * createCustomer makes a customer (api/customers/create.md). Subscriptions do not need one: theirs are made as the buyer
 * authenticates. Throws {@link Refusal} when there is one with this e-mail and contact and `fail_existing` is not 0.
 */
export function createCustomer(context: Context, body: unknown): Customer {
  const { name, email, contact, gstin, notes, fail_existing: failExisting } = read(customerRequest, body)
  const same = Object.values(context.state.customers).find(
    (customer) => customer.email === (email ?? null) && customer.contact === (contact ?? null)
  )
  if (same !== undefined) {
    if (String(failExisting ?? 1) === '0') return same
    throw new Refusal('Customer already exists for the merchant')
  }
  return addCustomer(context, {
    name: name ?? null,
    email: email ?? null,
    contact: contact ?? null,
    gstin: gstin ?? null,
    notes: notes ?? []
  })
}

/** editCustomer changes a customer's name, e-mail or contact. Throws {@link Refusal}. */
export function editCustomer(context: Context, id: string, body: unknown): Customer {
  const customer = found(context.state.customers, id)
  const { name, email, contact } = read(customerRequest, body)
  customer.name = name ?? customer.name
  customer.email = email ?? customer.email
  customer.contact = contact ?? customer.contact
  context.world.changed()
  return customer
}

/** addCustomer records a customer under a new id. */
export function addCustomer(context: Context, facts: Omit<Customer, 'id' | 'entity' | 'created_at'>): Customer {
  const customer: Customer = { id: newId(context, 'cust_'), entity: 'customer', ...facts, created_at: nowSeconds(context) }
  context.state.customers[customer.id] = customer
  context.world.changed()
  return customer
}
