import type { Payload, Scenario } from './scenario.ts'

/** priceOf builds the scenario's price. */
export function priceOf(scenario: Scenario): Payload {
  return {
    id: scenario.priceId,
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    currency: 'usd',
    livemode: false,
    metadata: {},
    product: `prod_${scenario.priceId.slice(6)}`,
    recurring: { interval: scenario.interval, interval_count: 1, trial_period_days: null, usage_type: 'licensed' },
    type: 'recurring',
    unit_amount: scenario.amountMinor,
    unit_amount_decimal: String(scenario.amountMinor)
  }
}

/** planOf builds the plan that older API versions show beside the price. */
export function planOf(scenario: Scenario): Payload {
  return {
    id: scenario.priceId,
    object: 'plan',
    active: true,
    amount: scenario.amountMinor,
    currency: 'usd',
    interval: scenario.interval,
    interval_count: 1,
    product: `prod_${scenario.priceId.slice(6)}`,
    usage_type: 'licensed'
  }
}

/** unix is a Stripe time: whole seconds. */
export function unix(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
