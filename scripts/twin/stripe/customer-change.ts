import { renderCustomer } from './render-catalog.ts'
import { updating } from './shop.ts'
import type { Shop } from './shop.ts'
import type { CustomerRecord } from './state.ts'

/** changeCustomer does `work` on a customer and tells of it. */
export function changeCustomer(shop: Shop, customer: CustomerRecord, work: () => void): void {
  updating(shop, 'customer.updated', () => renderCustomer(customer), work)
}
