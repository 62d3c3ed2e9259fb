import type { BillingEventArguments } from '../../../server/src/db/functions/record-billing-event.ts'
import { createPaddle } from '../../../server/src/billing/processors/paddle/paddle.ts'
import { createRazorpay } from '../../../server/src/billing/processors/razorpay/razorpay.ts'
import { createStripe } from '../../../server/src/billing/processors/stripe/stripe.ts'
import { billingEventArguments } from '../../../server/src/billing/receive.ts'
import type { Secrets } from '../../embedded/secrets.ts'
import { composeScenario } from '../../webhook/compose.ts'
import { buildEvent, signatureHeader, WEBHOOK_PROCESSORS, type WebhookProcessor } from '../../webhook/delivery.ts'
import type { Scenario, WebhookEvent } from '../../webhook/scenario.ts'
import { requestOf } from '../http/load.ts'

/** Event is one delivery: the body as its processor would send it, and what Parley makes of it. */
export type Event = { processor: WebhookProcessor; scenario: Scenario; body: string }

const NORMALISERS = {
  stripe: createStripe({ webhookSecrets: [], apiKey: null }).normalise,
  paddle: createPaddle({ webhookSecrets: [], apiKey: null, environment: 'sandbox' }).normalise,
  razorpay: createRazorpay({ webhookSecrets: [], keyId: null, keySecret: null }).normalise
}

/** eventsFrom makes the events of `subscriptions` subscriptions, a third with each processor: each one second newer than its last. */
export function eventsFrom(subscriptions: number): { created(index: number): Event; next(): Event } {
  const begun = new Date(Date.now() - 7_200_000)
  const eventOf = (index: number, event: WebhookEvent, secondsLater: number, eventId: string): Event => {
    const processor = WEBHOOK_PROCESSORS[index % WEBHOOK_PROCESSORS.length] ?? 'stripe'
    const occurredAt = new Date(begun.getTime() + secondsLater * 1000)
    const { scenario } = composeScenario(
      { processor, event, account: `hook_${index}`, plan: 'starter', shape: 'current', eventId, occurredAt, periodStart: begun }, null, occurredAt
    )
    return { processor, scenario, body: JSON.stringify(buildEvent(processor, scenario)) }
  }
  let sequence = 0
  return {
    created: (index) => eventOf(index, 'created', 0, `evt_created_${index}`),
    next: () => {
      sequence += 1
      return eventOf(sequence % subscriptions, 'updated', 1 + Math.floor(sequence / subscriptions), `evt_updated_${sequence}`)
    }
  }
}

/** argumentsOf is the event as `record_billing_event` takes it. Throws Error where it would be ignored. */
export function argumentsOf({ processor, scenario, body }: Event): BillingEventArguments {
  const normalised = NORMALISERS[processor](body)
  if (normalised.outcome !== 'event') throw new Error(`${processor}: ${normalised.reason}`)
  return { ...billingEventArguments(processor, normalised, body), eventId: scenario.eventId }
}

/** deliveryOf is the event as a signed HTTP request. */
export function deliveryOf({ processor, body }: Event, secrets: Secrets): Buffer {
  const secret = { stripe: secrets.stripeWebhookSecret, paddle: secrets.paddleWebhookSecret, razorpay: secrets.razorpayWebhookSecret }[processor]
  const headers = { 'Content-Type': 'application/json', ...signatureHeader(processor, body, secret, new Date()) }
  return requestOf('POST', `/webhooks/${processor}`, headers, body)
}
