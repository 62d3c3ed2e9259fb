import { z } from 'zod'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import type { TwinPrice } from './dialect.ts'

/** planPriceSchema is a row of `api.list_plan_prices()`: what a plan costs now. Postgres sends 64-bit numbers as text. */
export const planPriceSchema = z.object({
  plan: z.string(),
  name: z.string(),
  billing_interval: z.enum(['month', 'year']),
  currency: z.string().trim(),
  amount_minor: z.coerce.number<string | number>().int(),
  trial_days: z.coerce.number<string | number>().int()
})

/** PlanPrice is what Parley's catalog says a plan costs. */
export type PlanPrice = z.infer<typeof planPriceSchema>

const PREFIXES: Record<ProcessorName, string> = { stripe: 'price', paddle: 'pri', razorpay: 'plan' }
const SUFFIXES = { month: 'monthly', year: 'yearly' }

/** sandboxPriceId is what a price is called at the twin and in a sandbox database, e.g. `price_growth_monthly`. */
export function sandboxPriceId(processor: ProcessorName, plan: string, interval: 'month' | 'year'): string {
  return `${PREFIXES[processor]}_${plan}_${SUFFIXES[interval]}`
}

/**
 * twinPrices puts Parley's catalog into the words of one processor. At Paddle a trial belongs to the price, so there a plan
 * with trial days has a second one, `…_trial`; elsewhere it belongs to the checkout.
 */
export function twinPrices(processor: ProcessorName, catalog: readonly PlanPrice[]): TwinPrice[] {
  return catalog.flatMap((row) => {
    const { plan, name: planName, billing_interval: interval, currency, amount_minor: amountMinor, trial_days: days } = row
    const id = sandboxPriceId(processor, plan, interval)
    const price = { id, plan, planName, interval, amountMinor, currency, trialDays: 0 }
    return processor === 'paddle' && days > 0 ? [price, { ...price, id: `${id}_trial`, trialDays: days }] : [price]
  })
}
