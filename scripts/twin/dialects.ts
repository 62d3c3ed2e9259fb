import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import type { Dialect, DialectOptions } from './dialect.ts'
import { createPaddleDialect } from './paddle/paddle.ts'
import { createRazorpayDialect } from './razorpay/razorpay.ts'
import { createStripeDialect } from './stripe/stripe.ts'

/** DIALECTS make the three processors as they are played. */
export const DIALECTS: Record<ProcessorName, (options: DialectOptions) => Dialect> = {
  stripe: createStripeDialect,
  paddle: createPaddleDialect,
  razorpay: createRazorpayDialect
}
