import { PADDLE_SIGNATURE } from '../../server/src/billing/processors/paddle/signature.ts'
import { RAZORPAY_SIGNATURE } from '../../server/src/billing/processors/razorpay/signature.ts'
import { STRIPE_SIGNATURE } from '../../server/src/billing/processors/stripe/signature.ts'
import { sign, signBody } from '../../server/src/billing/signature.ts'
import { paddleEvent } from './paddle-events.ts'
import { razorpayEvent } from './razorpay-events.ts'
import type { Payload, Scenario } from './scenario.ts'
import { stripeEvent } from './stripe-events.ts'

/** WEBHOOK_PROCESSORS are the processors that deliveries can be made of. */
export const WEBHOOK_PROCESSORS = ['stripe', 'paddle', 'razorpay'] as const

/** WebhookProcessor is one of {@link WEBHOOK_PROCESSORS}. */
export type WebhookProcessor = (typeof WEBHOOK_PROCESSORS)[number]

const BUILDERS = { stripe: stripeEvent, paddle: paddleEvent, razorpay: razorpayEvent }
const SCHEMES = { stripe: STRIPE_SIGNATURE, paddle: PADDLE_SIGNATURE }

/** buildEvent builds the payload with which the processor tells of the scenario. */
export function buildEvent(processor: WebhookProcessor, scenario: Scenario): Payload {
  return BUILDERS[processor](scenario)
}

/**
 * signatureHeader is the header, by name and value, that the processor puts on `body` when it sends it at `sentAt`; Razorpay
 * signs no time.
 */
export function signatureHeader(
  processor: WebhookProcessor,
  body: string | Buffer,
  secret: string,
  sentAt: Date
): Record<string, string> {
  if (processor === 'razorpay') return { [RAZORPAY_SIGNATURE]: signBody(secret, body) }
  const scheme = SCHEMES[processor]
  const timestamp = Math.floor(sentAt.getTime() / 1000)
  const signature = sign(scheme, secret, timestamp, body)
  return {
    [scheme.header]: `${scheme.timestampKey}=${timestamp}${scheme.separator}${scheme.signatureKey}=${signature}`
  }
}
