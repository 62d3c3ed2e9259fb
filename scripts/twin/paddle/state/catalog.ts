import { z } from 'zod'

/** money is an amount as Paddle writes it: a string in the lowest unit of the currency. */
export const money = z.object({ amount: z.string(), currency_code: z.string() })

/** cycle is a span of calendar time, such as every month, or 14 days. */
export const cycle = z.object({ interval: z.enum(['day', 'week', 'month', 'year']), frequency: z.number().int().min(1) })

/** Cycle is the output of {@link cycle}. */
export type Cycle = z.output<typeof cycle>

/** customData is what the seller keeps with an entity; Paddle hands it back untouched. */
export const customData = z.record(z.string(), z.unknown()).nullable()

/** CustomData is the output of {@link customData}. */
export type CustomData = z.output<typeof customData>

/** product is Paddle's product entity, as stored and as answered. */
export const product = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  type: z.string(),
  tax_category: z.string(),
  image_url: z.string().nullable(),
  custom_data: customData,
  status: z.enum(['active', 'archived']),
  created_at: z.string(),
  updated_at: z.string(),
  import_meta: z.null()
})

/** Product is the output of {@link product}. */
export type Product = z.output<typeof product>

/** price is Paddle's price entity, as stored and as answered. */
export const price = z.object({
  id: z.string(),
  product_id: z.string(),
  description: z.string(),
  name: z.string().nullable(),
  type: z.string(),
  billing_cycle: cycle.nullable(),
  trial_period: cycle.nullable(),
  tax_mode: z.string(),
  unit_price: money,
  unit_price_overrides: z.array(z.object({ country_codes: z.array(z.string()), unit_price: money })),
  quantity: z.object({ minimum: z.number().int(), maximum: z.number().int() }),
  custom_data: customData,
  status: z.enum(['active', 'archived']),
  created_at: z.string(),
  updated_at: z.string(),
  import_meta: z.null()
})

/** Price is the output of {@link price}. */
export type Price = z.output<typeof price>
