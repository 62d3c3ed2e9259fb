import { z } from 'zod'
import type { ApiRoute } from './api.ts'
import { invalid } from './fault.ts'
import { anything, emptyable, flag, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderProduct } from './render-catalog.ts'
import { emit, find, now, updating } from './shop.ts'
import type { ProductRecord } from './state.ts'

const PRODUCT = {
  description: emptyable.optional(),
  active: flag.optional(),
  metadata: metadata.optional(),
  images: anything,
  marketing_features: anything,
  tax_code: anything,
  statement_descriptor: anything,
  unit_label: anything,
  url: anything,
  shippable: anything
}

/** PRODUCT_ROUTES are `/v1/products`. */
export const PRODUCT_ROUTES: ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/products',
    answer({ shop, form }) {
      const asked = parameters(
        { ...PRODUCT, id: words.optional(), name: words, type: anything, package_dimensions: anything },
        form
      )
      if (asked.id !== undefined && Object.hasOwn(shop.state.products, asked.id))
        throw invalid('Product already exists.', 'id', 'resource_already_exists')
      const { name, description = null, active = true, metadata: sent } = asked
      const created = now(shop)
      const one: ProductRecord = {
        id: asked.id ?? shop.world.id('prod_', 14),
        name,
        description,
        active,
        metadata: merged({}, sent),
        created,
        updated: created
      }
      shop.state.products[one.id] = one
      emit(shop, 'product.created', renderProduct(one))
      return renderProduct(one)
    }
  },
  { method: 'get', path: '/v1/products/:id', answer: ({ shop, id }) => renderProduct(find(shop.state.products, 'product', id)) },
  {
    method: 'post',
    path: '/v1/products/:id',
    answer({ shop, id, form }) {
      const one = find(shop.state.products, 'product', id)
      const asked = parameters(
        { ...PRODUCT, name: words.optional(), default_price: anything, package_dimensions: anything },
        form
      )
      updating(
        shop,
        'product.updated',
        () => renderProduct(one),
        () => {
          one.name = asked.name ?? one.name
          if (asked.description !== undefined) one.description = asked.description
          one.active = asked.active ?? one.active
          one.metadata = merged(one.metadata, asked.metadata)
          one.updated = now(shop)
        }
      )
      return renderProduct(one)
    }
  },
  {
    method: 'get',
    path: '/v1/products',
    answer({ shop, form }) {
      const asked = parameters(
        {
          ...LISTING,
          active: flag.optional(),
          ids: z.array(words).optional(),
          shippable: anything,
          url: anything,
          type: anything
        },
        form
      )
      const wanted = Object.values(shop.state.products).filter(
        ({ id, active }) =>
          (asked.active === undefined || active === asked.active) && (asked.ids === undefined || asked.ids.includes(id))
      )
      return page('/v1/products', 'product', wanted, asked, renderProduct)
    }
  }
]
