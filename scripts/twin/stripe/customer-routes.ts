import type { ApiRoute } from './api.ts'
import { changeCustomer } from './customer-change.ts'
import { deleteCustomer, liveCustomer, makeCustomer } from './customers.ts'
import { anything, emptyable, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderCustomer } from './render-catalog.ts'
import { find } from './shop.ts'

const CUSTOMER = {
  email: emptyable.optional(),
  name: emptyable.optional(),
  description: emptyable.optional(),
  phone: emptyable.optional(),
  metadata: metadata.optional(),
  address: anything,
  preferred_locales: anything,
  tax_exempt: anything
}

/** CUSTOMER_ROUTES are `/v1/customers`. */
export const CUSTOMER_ROUTES: ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/customers',
    answer({ shop, form }) {
      const { email = null, name = null, description = null, phone = null, metadata: sent } = parameters(CUSTOMER, form)
      return renderCustomer(makeCustomer(shop, { email, name, description, phone, metadata: merged({}, sent) }))
    }
  },
  {
    method: 'get',
    path: '/v1/customers/:id',
    answer: ({ shop, id }) => renderCustomer(find(shop.state.customers, 'customer', id))
  },
  {
    method: 'post',
    path: '/v1/customers/:id',
    answer({ shop, id, form }) {
      const customer = liveCustomer(shop, id)
      const asked = parameters(CUSTOMER, form)
      changeCustomer(shop, customer, () => {
        if (asked.email !== undefined) customer.email = asked.email
        if (asked.name !== undefined) customer.name = asked.name
        if (asked.description !== undefined) customer.description = asked.description
        if (asked.phone !== undefined) customer.phone = asked.phone
        customer.metadata = merged(customer.metadata, asked.metadata)
      })
      return renderCustomer(customer)
    }
  },
  {
    method: 'delete',
    path: '/v1/customers/:id',
    answer({ shop, id }) {
      const customer = liveCustomer(shop, id)
      deleteCustomer(shop, customer)
      return renderCustomer(customer)
    }
  },
  {
    method: 'get',
    path: '/v1/customers',
    answer({ shop, form }) {
      const asked = parameters({ ...LISTING, email: words.optional() }, form)
      const wanted = Object.values(shop.state.customers).filter(
        (one) => !one.deleted && (asked.email === undefined || one.email === asked.email)
      )
      return page('/v1/customers', 'customer', wanted, asked, renderCustomer)
    }
  }
]
