import { Router } from 'express'
import { z } from 'zod'
import { makePrice, makeProduct } from '../catalog.ts'
import { customData, cycle, money } from '../state/catalog.ts'
import { answer, answerPage, idOf, matching, namesIn, parsed } from './context.ts'
import type { Context } from './context.ts'

const status = z.enum(['active', 'archived'])
const productFields = z.object({
  name: z.string().min(1).max(200),
  tax_category: z.string(),
  description: z.string().nullish().transform((text) => text ?? null),
  image_url: z.string().nullish().transform((text) => text ?? null),
  custom_data: customData.optional().transform((data) => data ?? null)
})
const productChanges = z.object({ ...productFields.partial().shape, status: status.optional() })

const priceChanges = z.object({
  description: z.string().min(1).max(500).optional(),
  name: z.string().nullish(),
  billing_cycle: cycle.nullish(),
  trial_period: cycle.nullish(),
  tax_mode: z.enum(['account_setting', 'external', 'internal', 'location']).optional(),
  unit_price: money.optional(),
  unit_price_overrides: z.array(z.object({ country_codes: z.array(z.string()), unit_price: money })).optional(),
  quantity: z.object({ minimum: z.number().int().min(1), maximum: z.number().int() }).optional(),
  custom_data: customData.optional(),
  status: status.optional()
})
const newPrice = priceChanges
  .omit({ status: true })
  .extend({ product_id: z.string(), description: z.string(), unit_price: money })

/** catalogRoutes are products and prices. */
export function catalogRoutes({ shop, during }: Context): Router {
  const router = Router()
  router.get('/products', (req, res) => {
    const products = matching(req, Object.values(shop.state.products), { id: ({ id }) => id, status: (one) => one.status })
    const withPrices = namesIn(req, 'include').includes('prices')
    const prices = (id: string) => Object.values(shop.state.prices).filter((price) => price.product_id === id)
    answerPage(shop, req, res, products.map((one) => (withPrices ? { ...one, prices: prices(one.id) } : one)), ({ id }) => id)
  })
  router.post('/products', (req, res) => {
    const given = parsed(productFields, req.body)
    const product = during(() => {
      const made = makeProduct(shop, shop.id('pro'), given, shop.stamp())
      shop.tell('product.created', made)
      return made
    })
    answer(shop, res, product, 201)
  })
  router.get('/products/:id', (req, res) => answer(shop, res, shop.product(idOf(req))))
  router.patch('/products/:id', (req, res) => {
    const product = shop.product(idOf(req))
    const changes = named(parsed(productChanges, req.body), req.body)
    during(() => {
      Object.assign(product, changes, { updated_at: shop.stamp() })
      shop.tell('product.updated', product)
    })
    answer(shop, res, product)
  })
  router.get('/prices', (req, res) => {
    const prices = matching(req, Object.values(shop.state.prices), {
      id: ({ id }) => id,
      product_id: (one) => one.product_id,
      status: (one) => one.status,
      recurring: (one) => String(one.billing_cycle !== null)
    })
    const withProduct = namesIn(req, 'include').includes('product')
    const shown = prices.map((one) => (withProduct ? { ...one, product: shop.product(one.product_id) } : one))
    answerPage(shop, req, res, shown, ({ id }) => id)
  })
  router.post('/prices', (req, res) => {
    const { product_id, description, unit_price, ...rest } = parsed(newPrice, req.body)
    shop.product(product_id)
    const price = during(() => {
      const made = makePrice(shop, shop.id('pri'), { product_id, description, unit_price, ...defined(rest) }, shop.stamp())
      shop.tell('price.created', made)
      return made
    })
    answer(shop, res, price, 201)
  })
  router.get('/prices/:id', (req, res) => answer(shop, res, shop.price(idOf(req))))
  router.patch('/prices/:id', (req, res) => {
    const price = shop.price(idOf(req))
    const changes = defined(parsed(priceChanges, req.body))
    during(() => {
      Object.assign(price, changes, { updated_at: shop.stamp() })
      shop.tell('price.updated', price)
    })
    answer(shop, res, price)
  })
  return router
}

/** defined leaves out what is undefined. */
function defined<Given extends object>(fields: Given): { [Key in keyof Given]: Exclude<Given[Key], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly the undefined ones are gone
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Given]: Exclude<Given[Key], undefined>
  }
}

/** named keeps of the parsed fields those that the request itself had: what it leaves out stays as it is. */
function named(fields: object, body: unknown): object {
  const names = new Set(Object.keys(z.record(z.string(), z.unknown()).parse(body)))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.has(name)))
}
