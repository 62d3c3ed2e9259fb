import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent } from '../../billing-event.ts'
import { fetchedEnvelope } from '../../payload.ts'
import type { Envelope } from '../../payload.ts'
import type { RazorpayClient } from './client.ts'
import { stateOf, subscription } from './subscription.ts'
import type { RazorpaySubscription } from './subscription.ts'

/** Asker is what the requests of one call share: the client, with the call's time, and Parley's clock. */
export type Asker = { client: RazorpayClient; nowMs: () => number }

/** Razorpay's clock has whole seconds. */
const SECOND_MS = 1000

/** answeredEnvelope is the envelope of something that no webhook told; `askedAtMs` was taken before asking. */
export function answeredEnvelope(subscriptionId: string, askedAtMs: number): Envelope {
  return fetchedEnvelope(subscriptionId, askedAtMs, SECOND_MS)
}

/** fetchedState words a subscription entity from an answer as a state as of the time of asking. */
export function fetchedState(from: RazorpaySubscription, askedAtMs: number): BillingEvent {
  return stateOf(answeredEnvelope(from.id, askedAtMs), EVENT_RANK.updated, from)
}

/** fetchEntity asks for a subscription. The SDK puts ids into paths as they are. */
export function fetchEntity({ client }: Asker, subscriptionId: string): Promise<RazorpaySubscription> {
  return client.ask((sdk) => sdk.subscriptions.fetch(encodeURIComponent(subscriptionId)), subscription)
}

/** ENDED are the statuses from which a subscription never comes back. */
export const ENDED = new Set<RazorpaySubscription['razorpayStatus']>(['cancelled', 'completed', 'expired'])
