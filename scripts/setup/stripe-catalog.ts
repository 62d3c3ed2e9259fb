import { z } from 'zod'
import { StartError } from '../embedded/start-error.ts'
import type { CatalogPrice, ProcessorPrice } from './catalog.ts'
import { everyPage } from './stripe-shop.ts'
import type { StripeShop } from './stripe-shop.ts'

const product = z.object({
  object: z.literal('product'),
  id: z.string(),
  name: z.string(),
  active: z.boolean(),
  metadata: z.record(z.string(), z.string())
})

const price = z.object({
  object: z.literal('price'),
  id: z.string(),
  active: z.boolean(),
  lookup_key: z.string().nullable(),
  currency: z.string(),
  unit_amount: z.int().nullable(),
  recurring: z.object({ interval: z.string(), interval_count: z.int() }).nullable()
})
type StripePrice = z.output<typeof price>

/** lookupKeyOf is the name by which a price is found again. It has the version: at Stripe the amount of a price is fixed for ever. */
export function lookupKeyOf({ plan, interval, version }: Pick<CatalogPrice, 'plan' | 'interval' | 'version'>): string {
  return `parley_${plan}_${interval}_v${version}`
}

/** plansOf lists the plans of the catalog, each once, by the name it has there. */
export function plansOf(catalog: CatalogPrice[]): Map<string, string> {
  return new Map(catalog.map(({ plan, planName }) => [plan, planName]))
}

/**
 * setUpCatalog makes a product for every plan and a price for every price of the catalog, and hands each to `write`. What is
 * there is kept. Throws {@link StartError} where a price of that version is there and costs something else.
 */
export async function setUpCatalog(
  shop: StripeShop,
  catalog: CatalogPrice[],
  write: (price: ProcessorPrice) => Promise<void>
): Promise<void> {
  const products = await setUpProducts(shop, plansOf(catalog))
  for (const wanted of catalog) {
    const priceId = await setUpPrice(shop, wanted, products.get(wanted.plan) ?? null)
    if (shop.isDryRun || priceId === null) continue
    const { plan, interval, version } = wanted
    // The trial is the checkout's, not the price's.
    await write({ processor: 'stripe', priceId, plan, interval, version, trialDays: 0 })
  }
}

async function setUpProducts(shop: StripeShop, plans: Map<string, string>): Promise<Map<string, string | null>> {
  const { stripe } = shop
  const existing = await everyPage(shop, product, (page) => stripe.products.list(page))
  const ids = new Map<string, string | null>()
  for (const [plan, name] of plans) {
    const ours = existing.filter(({ metadata }) => metadata['parley_plan'] === plan)
    const found = ours.find(({ active }) => active) ?? ours[0]
    const became = found === undefined ? 'created' : found.name === name && found.active ? 'unchanged' : 'updated'
    let id = found?.id ?? null
    if (!shop.isDryRun && became !== 'unchanged') {
      const params = { name, active: true, metadata: { parley_plan: plan } }
      const made = await shop.ask(product, () => (id === null ? stripe.products.create(params) : stripe.products.update(id, params)))
      id = made.id
    }
    ids.set(plan, id)
    shop.told(`product ${name}`, became, id)
  }
  return ids
}

async function setUpPrice(shop: StripeShop, wanted: CatalogPrice, productId: string | null): Promise<string | null> {
  const { stripe } = shop
  const lookupKey = lookupKeyOf(wanted)
  const what = `price ${lookupKey} (${amountOf(wanted.amountMinor, wanted.currency)} a ${wanted.interval})`
  const [found] = await everyPage(shop, price, (page) => stripe.prices.list({ lookup_keys: [lookupKey], ...page }))
  if (found !== undefined) {
    refuseOther(found, wanted)
    if (!found.active && !shop.isDryRun) await shop.ask(price, () => stripe.prices.update(found.id, { active: true }))
    shop.told(what, found.active ? 'unchanged' : 'updated', found.id)
    return found.id
  }
  if (shop.isDryRun || productId === null) {
    shop.told(what, 'created', null)
    return null
  }
  const { id } = await shop.ask(price, () =>
    stripe.prices.create({
      product: productId,
      currency: wanted.currency.toLowerCase(),
      unit_amount: wanted.amountMinor,
      recurring: { interval: wanted.interval },
      lookup_key: lookupKey,
      nickname: `${wanted.planName}, by the ${wanted.interval}`,
      metadata: { parley_plan: wanted.plan, parley_version: String(wanted.version) }
    })
  )
  shop.told(what, 'created', id)
  return id
}

function refuseOther(found: StripePrice, wanted: CatalogPrice): void {
  const isSame =
    found.unit_amount === wanted.amountMinor &&
    found.currency === wanted.currency.toLowerCase() &&
    found.recurring?.interval === wanted.interval &&
    found.recurring.interval_count === 1
  if (isSame) return
  throw new StartError(
    `At Stripe ${lookupKeyOf(wanted)} is ${amountOf(found.unit_amount ?? 0, found.currency)} a ${found.recurring?.interval ?? 'time'} (${found.id}), ` +
      `in the catalog ${amountOf(wanted.amountMinor, wanted.currency)} a ${wanted.interval}. A price never changes: a new amount is a new version.`
  )
}

function amountOf(amountMinor: number, currency: string): string {
  return `${amountMinor} minor ${currency.toUpperCase()}`
}
