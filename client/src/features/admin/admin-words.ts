/** PROCESSOR_NAMES is how the senders of deliveries are called. */
export const PROCESSOR_NAMES = { stripe: 'Stripe', paddle: 'Paddle', razorpay: 'Razorpay', clerk: 'Clerk' } as const

/** processorName writes who sent a delivery or sold a plan; a name that is not known is written as it is. */
export function processorName(processor: string): string {
  return new Map<string, string>(Object.entries(PROCESSOR_NAMES)).get(processor) ?? processor
}

/** words writes a name of the database as words: `past_due` is `past due`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ')
}
