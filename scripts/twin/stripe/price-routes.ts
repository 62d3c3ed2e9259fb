import { z } from 'zod'
import type { ApiRoute } from './api.ts'
import { invalid } from './fault.ts'
import { anything, emptyable, flag, integer, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderPrice, renderProduct } from './render-catalog.ts'
import { emit, find, now, updating } from './shop.ts'
import type { Shop } from './shop.ts'
import type { PriceRecord } from './state.ts'

const PRICE = {
  nickname: emptyable.optional(),
  active: flag.optional(),
  metadata: metadata.optional(),
  lookup_key: emptyable.optional(),
  transfer_lookup_key: flag.optional(),
  tax_behavior: z.enum(['inclusive', 'exclusive', 'unspecified']).optional()
}

/** PRICE_ROUTES are `/v1/prices`. */
export const PRICE_ROUTES: ApiRoute[] = [
  { method: 'post', path: '/v1/prices', answer: ({ shop, form }) => makePrice(shop, form) },
  { method: 'get', path: '/v1/prices/:id', answer: ({ shop, id }) => renderPrice(find(shop.state.prices, 'price', id)) },
  {
    method: 'post',
    path: '/v1/prices/:id',
    answer({ shop, id, form }) {
      const one = find(shop.state.prices, 'price', id)
      const asked = parameters({ ...PRICE, currency_options: anything }, form)
      if (asked.lookup_key) takeLookupKey(shop, asked.lookup_key, one.id, asked.transfer_lookup_key ?? false)
      updating(
        shop,
        'price.updated',
        () => renderPrice(one),
        () => {
          one.active = asked.active ?? one.active
          if (asked.nickname !== undefined) one.nickname = asked.nickname
          if (asked.lookup_key !== undefined) one.lookupKey = asked.lookup_key
          one.taxBehavior = asked.tax_behavior ?? one.taxBehavior
          one.metadata = merged(one.metadata, asked.metadata)
        }
      )
      return renderPrice(one)
    }
  },
  {
    method: 'get',
    path: '/v1/prices',
    answer({ shop, form }) {
      const asked = parameters(
        {
          ...LISTING,
          active: flag.optional(),
          lookup_keys: z.array(words).max(10).optional(),
          product: words.optional(),
          currency: words.optional(),
          type: z.enum(['one_time', 'recurring']).optional(),
          recurring: anything
        },
        form
      )
      const fits = (one: PriceRecord): boolean =>
        (asked.active === undefined || one.active === asked.active) &&
        (asked.lookup_keys === undefined || asked.lookup_keys.includes(one.lookupKey ?? '')) &&
        (asked.product === undefined || one.productId === asked.product) &&
        (asked.currency === undefined || one.currency === asked.currency) &&
        (asked.type === undefined || asked.type === (one.interval ? 'recurring' : 'one_time'))
      return page('/v1/prices', 'price', Object.values(shop.state.prices).filter(fits), asked, renderPrice)
    }
  }
]

function makePrice(shop: Shop, form: Parameters<ApiRoute['answer']>[0]['form']) {
  const asked = parameters(
    {
      ...PRICE,
      currency: z
        .string()
        .regex(/^[a-zA-Z]{3}$/)
        .toLowerCase(),
      unit_amount: integer,
      product: words.optional(),
      product_data: z.strictObject({ name: words, id: words.optional(), metadata: metadata.optional() }).optional(),
      recurring: z
        .strictObject({
          interval: z.enum(['month', 'year']),
          interval_count: integer.optional(),
          usage_type: z.literal('licensed').optional()
        })
        .optional(),
      billing_scheme: z.literal('per_unit').optional()
    },
    form
  )
  if (asked.product === undefined && !asked.product_data)
    throw invalid('Missing required param: product.', 'product', 'parameter_missing')
  const productId = asked.product ?? asked.product_data?.id ?? shop.world.id('prod_', 14)
  if (asked.product !== undefined) find(shop.state.products, 'product', asked.product, 'product')
  if (asked.lookup_key) takeLookupKey(shop, asked.lookup_key, '', asked.transfer_lookup_key ?? false)
  const created = now(shop)
  if (asked.product_data) {
    const { name, metadata: sent } = asked.product_data
    const product = {
      id: productId,
      name,
      description: null,
      active: true,
      metadata: merged({}, sent),
      created,
      updated: created
    }
    shop.state.products[productId] = product
    emit(shop, 'product.created', renderProduct(product))
  }
  const one: PriceRecord = {
    id: shop.world.id('price_'),
    productId,
    amount: asked.unit_amount,
    currency: asked.currency,
    interval: asked.recurring?.interval ?? null,
    intervalCount: asked.recurring?.interval_count ?? 1,
    lookupKey: asked.lookup_key ?? null,
    nickname: asked.nickname ?? null,
    taxBehavior: asked.tax_behavior ?? 'unspecified',
    active: asked.active ?? true,
    metadata: merged({}, asked.metadata),
    created
  }
  shop.state.prices[one.id] = one
  emit(shop, 'price.created', renderPrice(one))
  return renderPrice(one)
}

/** takeLookupKey: one price only has a key; it moves when that is asked for. */
function takeLookupKey(shop: Shop, lookupKey: string, priceId: string, transfer: boolean): void {
  const holder = Object.values(shop.state.prices).find((one) => one.lookupKey === lookupKey && one.id !== priceId)
  if (!holder) return
  if (!transfer) throw invalid(`A price (\`${holder.id}\`) already uses that lookup key.`, 'lookup_key')
  updating(
    shop,
    'price.updated',
    () => renderPrice(holder),
    () => {
      holder.lookupKey = null
    }
  )
}
