import type { Price, Product } from '@paddle/paddle-node-sdk'
import { z } from 'zod'
import { StartError } from '../embedded/start-error.ts'
import type { CatalogPrice, ProcessorPrice } from './catalog.ts'
import { everyPage } from './paddle-shop.ts'
import type { PaddleShop } from './paddle-shop.ts'

/** MARKS are the custom data by which a product or price at Paddle is known as ours, whoever renames it there. */
const marks = z.object({
  parley_plan: z.string(),
  parley_interval: z.enum(['month', 'year']).optional(),
  parley_version: z.coerce.number<unknown>().int().optional(),
  parley_trial: z.coerce.number<unknown>().int().default(0)
})

/** WantedPrice is one price Paddle must have: a plan with trial days has two, because there a trial belongs to the price. */
type WantedPrice = CatalogPrice & { label: string }

/** objectsOf counts what the catalog is at Paddle: products, prices, and prices with a trial. */
export function objectsOf(catalog: CatalogPrice[]): number {
  return new Set(catalog.map(({ plan }) => plan)).size + catalog.flatMap(withTrial).length
}

/**
 * setUpCatalog makes Paddle have a product per plan and the prices of the catalog, and writes into the database what each
 * price id means.
 * It can be run again and again, also after it broke off. A price that costs something else at Paddle is never changed,
 * because those who pay it would pay the new amount. Throws {@link StartError}.
 */
export async function setUpCatalog(
  shop: PaddleShop,
  catalog: CatalogPrice[],
  write: (price: ProcessorPrice) => Promise<void>
): Promise<void> {
  const products = await everyPage(shop, shop.paddle.products.list({ orderBy: 'id[ASC]', perPage: 200, status: ['active'] }))
  const prices = await everyPage(shop, shop.paddle.prices.list({ orderBy: 'id[ASC]', perPage: 200, status: ['active'] }))

  for (const plan of new Set(catalog.map((price) => price.plan))) {
    const ofPlan = catalog.filter((price) => price.plan === plan)
    const product = await productFor(shop, ofPlan, products)
    for (const wanted of ofPlan.flatMap(withTrial)) await priceFor(shop, wanted, product, prices, write)
  }
}

async function productFor(shop: PaddleShop, ofPlan: CatalogPrice[], products: Product[]): Promise<string | null> {
  const { plan = '', planName = '' } = ofPlan[0] ?? {}
  const known = products.find((product) => marks.safeParse(product.customData).data?.parley_plan === plan)
  const what = `product ${plan}`
  if (known?.name === planName) {
    shop.told({ what, became: 'is there', id: known.id })
    return known.id
  }
  const became = known ? 'changed' : 'made'
  if (shop.isDryRun) {
    shop.told({ what, became, id: known?.id ?? null })
    return known?.id ?? null
  }
  const { id } = await shop.ask(() =>
    known
      ? shop.paddle.products.update(known.id, { name: planName })
      : // The one tax category that every Paddle account has; others must be asked for there.
        shop.paddle.products.create({ name: planName, taxCategory: 'standard', customData: { parley_plan: plan } })
  )
  shop.told({ what, became, id })
  return id
}

async function priceFor(
  shop: PaddleShop,
  wanted: WantedPrice,
  productId: string | null,
  prices: Price[],
  write: (price: ProcessorPrice) => Promise<void>
): Promise<void> {
  const { plan, interval, version, trialDays } = wanted
  const known = prices.find((price) => isMarked(price, wanted))
  if (known) refuseOther(known, wanted)
  let id = known?.id ?? null
  if (id === null && !shop.isDryRun && productId !== null) {
    const made = await shop.ask(() => shop.paddle.prices.create(priceOf(wanted, productId)))
    id = made.id
  }
  if (id !== null && !shop.isDryRun) await write({ processor: 'paddle', priceId: id, plan, interval, version, trialDays })
  shop.told({ what: wanted.label, became: known ? 'is there' : 'made', id })
}

function withTrial(price: CatalogPrice): WantedPrice[] {
  const label = `price ${price.plan} ${price.interval === 'month' ? 'monthly' : 'yearly'} v${price.version}`
  const plain = { ...price, label, trialDays: 0 }
  return price.trialDays > 0 ? [plain, { ...price, label: `${label} with ${price.trialDays} days of trial` }] : [plain]
}

function isMarked(price: Price, { plan, interval, version, trialDays }: WantedPrice): boolean {
  const mark = marks.safeParse(price.customData).data
  return (
    mark?.parley_plan === plan &&
    mark.parley_interval === interval &&
    mark.parley_version === version &&
    mark.parley_trial === trialDays
  )
}

/** refuseOther throws when the price at Paddle is not what the catalog says. */
function refuseOther({ id, unitPrice, billingCycle, trialPeriod }: Price, wanted: WantedPrice): void {
  const isSame =
    unitPrice.amount === String(wanted.amountMinor) &&
    unitPrice.currencyCode === wanted.currency &&
    billingCycle?.interval === wanted.interval &&
    billingCycle.frequency === 1 &&
    (trialPeriod === null ? wanted.trialDays === 0 : trialPeriod.interval === 'day' && trialPeriod.frequency === wanted.trialDays)
  if (isSame) return
  const { label, amountMinor, currency, interval, trialDays } = wanted
  throw new StartError(
    `${id} at Paddle is marked as the ${label}, but is not ${amountMinor} ${currency} (minor units) per ${interval}` +
      `${trialDays > 0 ? ` after ${trialDays} days` : ''}. Those who pay it would pay another amount if it were changed: ` +
      'archive it at Paddle, or give the catalog a new version.'
  )
}

function priceOf({ plan, planName, interval, version, currency, amountMinor, trialDays }: WantedPrice, productId: string) {
  return {
    productId,
    name: `${planName}, ${interval === 'month' ? 'monthly' : 'yearly'}`,
    description: `Parley ${plan} per ${interval}, version ${version}${trialDays > 0 ? `, ${trialDays} days of trial` : ''}`,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any code of three letters; Paddle says which it takes
    unitPrice: { amount: String(amountMinor), currencyCode: currency as 'USD' },
    billingCycle: { interval, frequency: 1 },
    trialPeriod: trialDays > 0 ? { interval: 'day' as const, frequency: trialDays } : null,
    // One account has one subscription of a plan: the buyer must not make it two.
    quantity: { minimum: 1, maximum: 1 },
    customData: {
      parley_plan: plan,
      parley_interval: interval,
      parley_version: String(version),
      ...(trialDays > 0 ? { parley_trial: String(trialDays) } : {})
    }
  }
}
