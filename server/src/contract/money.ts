import { z } from 'zod'

/** moneySchema is an amount in the currency's minor unit (cents), with its ISO 4217 code. */
export const moneySchema = z
  .object({ amountMinor: z.number().int().meta({ example: 7900 }), currency: z.string().meta({ example: 'USD' }) })
  .meta({ id: 'Money', description: 'An amount in the minor unit of its currency, such as cents.' })
export type Money = z.output<typeof moneySchema>

/** intervalSchema is how often a plan is paid. */
export const intervalSchema = z.enum(['month', 'year'])

/** processorSchema names a payment processor. */
export const processorSchema = z.enum(['stripe', 'paddle', 'razorpay'])
