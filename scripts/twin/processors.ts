import type { ProcessorName } from '../../server/src/billing/billing-event.ts'

/** PROCESSORS are whom the twin plays, in the order in which it works through them. */
export const PROCESSORS = ['stripe', 'paddle', 'razorpay'] as const satisfies readonly ProcessorName[]

/** perProcessor makes one value for each processor. */
export function perProcessor<Value>(make: (processor: ProcessorName) => Value): Record<ProcessorName, Value> {
  return { stripe: make('stripe'), paddle: make('paddle'), razorpay: make('razorpay') }
}
