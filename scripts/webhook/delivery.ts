import { PADDLE_SIGNATURE } from '../../server/src/billing/processors/paddle/signature.ts'
import { STRIPE_SIGNATURE } from '../../server/src/billing/processors/stripe/signature.ts'
import { sign } from '../../server/src/billing/signature.ts'
import { paddleEvent } from './paddle-events.ts'
import type { Payload, Scenario } from './scenario.ts'
import { stripeEvent } from './stripe-events.ts'

/** WEBHOOK_PROCESSORS are the processors that deliveries can be made of. */
export const WEBHOOK_PROCESSORS = ['stripe', 'paddle'] as const

/** WebhookProcessor is one of {@link WEBHOOK_PROCESSORS}. */
export type WebhookProcessor = (typeof WEBHOOK_PROCESSORS)[number]

const BUILDERS = { stripe: stripeEvent, paddle: paddleEvent }
const SCHEMES = { stripe: STRIPE_SIGNATURE, paddle: PADDLE_SIGNATURE }

/** buildEvent builds the payload with which the processor tells of the scenario. */
export function buildEvent(processor: WebhookProcessor, scenario: Scenario): Payload {
  return BUILDERS[processor](scenario)
}

/** signatureHeader is the header, by name and value, that the processor puts on `body` when it sends it at `sentAt`. */
export function signatureHeader(
  processor: WebhookProcessor,
  body: string | Buffer,
  secret: string,
  sentAt: Date
): Record<string, string> {
  const scheme = SCHEMES[processor]
  const timestamp = Math.floor(sentAt.getTime() / 1000)
  const signature = sign(scheme, secret, timestamp, body)
  return {
    [scheme.header]: `${scheme.timestampKey}=${timestamp}${scheme.separator}${scheme.signatureKey}=${signature}`
  }
}
