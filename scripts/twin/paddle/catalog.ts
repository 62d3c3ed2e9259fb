import type { TwinPrice } from '../dialect.ts'
import type { Shop } from './shop.ts'
import type { CustomData, Cycle, Price, Product } from './state/catalog.ts'
import { iso } from './time.ts'

/** NewProduct is what a product is made of. */
export type NewProduct = {
  name: string
  tax_category: string
  description?: string | null
  image_url?: string | null
  custom_data?: CustomData
}

/** makeProduct stores a product under an id. */
export function makeProduct(shop: Shop, id: string, given: NewProduct, now: string): Product {
  const { name, tax_category, description = null, image_url = null, custom_data = null } = given
  const shared = { type: 'standard', status: 'active' as const, created_at: now, updated_at: now, import_meta: null }
  return (shop.state.products[id] = { id, name, tax_category, description, image_url, custom_data, ...shared })
}

/** NewPrice is what a price is made of. */
export type NewPrice = {
  product_id: string
  description: string
  unit_price: Price['unit_price']
  name?: string | null
  billing_cycle?: Cycle | null
  trial_period?: Cycle | null
  tax_mode?: string
  unit_price_overrides?: Price['unit_price_overrides']
  quantity?: Price['quantity']
  custom_data?: CustomData
}

/** makePrice stores a price under an id. */
export function makePrice(shop: Shop, id: string, given: NewPrice, now: string): Price {
  return (shop.state.prices[id] = {
    id,
    product_id: given.product_id,
    description: given.description,
    name: given.name ?? null,
    type: 'standard',
    billing_cycle: given.billing_cycle ?? null,
    trial_period: given.trial_period ?? null,
    tax_mode: given.tax_mode ?? 'account_setting',
    unit_price: given.unit_price,
    unit_price_overrides: given.unit_price_overrides ?? [],
    quantity: given.quantity ?? { minimum: 1, maximum: 100 },
    custom_data: given.custom_data ?? null,
    status: 'active',
    created_at: now,
    updated_at: now,
    import_meta: null
  })
}

/** seedCatalog makes the products and prices of Parley's catalog, under the ids it knows. Nothing is told of them. */
export function seedCatalog(shop: Shop, prices: TwinPrice[]): void {
  const now = iso(shop.nowMs())
  for (const { id, plan, planName, interval, amountMinor, currency, trialDays } of prices) {
    const product = `pro_${plan}`
    if (!shop.state.products[product]) makeProduct(shop, product, { name: planName, tax_category: 'saas' }, now)
    const cadence = interval === 'month' ? 'monthly' : 'yearly'
    const given = {
      product_id: product,
      description: `${planName} ${cadence}${trialDays > 0 ? ', with a trial' : ''}`,
      name: `${planName} ${cadence}`,
      unit_price: { amount: String(amountMinor), currency_code: currency },
      billing_cycle: { interval, frequency: 1 },
      trial_period: trialDays > 0 ? { interval: 'day' as const, frequency: trialDays } : null
    }
    makePrice(shop, id, given, shop.state.prices[id]?.created_at ?? now)
  }
}
