import Stripe from 'stripe'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent } from '../../billing-event.ts'
import { faultsOf } from '../../payload.ts'
import type { Processor } from '../../processor.ts'
import { verifySignature } from '../../signature.ts'
import { normaliseStripe, stateOf } from './normalise.ts'
import { STRIPE_SIGNATURE } from './signature.ts'
import { subscription } from './subscription.ts'

/** The version the SDK was made for; the type admits no other, so an SDK upgrade stops here to be looked at. */
const API_VERSION = '2026-10-28.endive'
const TOLERANCE_SECONDS = 300
const TIMEOUT_MS = 10_000
const RETRIES = 2

/**
 * StripeOptions: several `webhookSecrets` while one is rolled, or for several endpoints. `apiKey` null: no calls to
 * Stripe. `apiUrl` replaces https://api.stripe.com. `nowMs` is the clock for fetched states.
 */
export type StripeOptions = {
  webhookSecrets: string[]
  apiKey: string | null
  apiUrl?: string
  toleranceSeconds?: number
  nowMs?: () => number
}

/** createStripe makes the Stripe processor. Its verification is our own: see billing/signature.ts for what the SDK's lacks. */
export function createStripe(options: StripeOptions): Processor {
  const tolerance = options.toleranceSeconds ?? TOLERANCE_SECONDS
  return {
    name: 'stripe',
    verify: (delivery) => verifySignature(STRIPE_SIGNATURE, delivery, options.webhookSecrets, tolerance),
    normalise: normaliseStripe,
    fetchSubscription: options.apiKey ? fetcher(options.apiKey, options.apiUrl, options.nowMs ?? Date.now) : null
  }
}

function fetcher(apiKey: string, apiUrl: string | undefined, nowMs: () => number) {
  const stripe = new Stripe(apiKey, {
    apiVersion: API_VERSION,
    timeout: TIMEOUT_MS,
    maxNetworkRetries: RETRIES,
    telemetry: false,
    ...(apiUrl ? serverAt(apiUrl) : {})
  })
  return async (subscriptionId: string): Promise<BillingEvent> => {
    // Taken before asking: whatever changes meanwhile is newer than this answer claims to be.
    const occurredAt = new Date(nowMs()).toISOString()
    const parsed = subscription.safeParse(await stripe.subscriptions.retrieve(subscriptionId))
    if (!parsed.success) throw new Error(`Stripe answered in an unknown shape: ${faultsOf(parsed.error)}`)
    const envelope = { eventId: `fetch:${subscriptionId}:${occurredAt}`, eventType: 'fetched', occurredAt }
    return stateOf(envelope, EVENT_RANK.updated, parsed.data)
  }
}

function serverAt(apiUrl: string) {
  const url = new URL(apiUrl)
  const protocol: 'http' | 'https' = url.protocol === 'http:' ? 'http' : 'https'
  return { protocol, host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443') }
}
