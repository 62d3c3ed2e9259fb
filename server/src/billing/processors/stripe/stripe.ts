import type { Processor } from '../../processor.ts'
import { verifySignature } from '../../signature.ts'
import { createApi } from './api.ts'
import { createStripeClient, isLiveKey } from './client.ts'
import { normaliseStripe } from './normalise.ts'
import { STRIPE_SIGNATURE } from './signature.ts'

const TOLERANCE_SECONDS = 300
const TIMEOUT_MS = 10_000

/**
 * StripeOptions: several `webhookSecrets` while one is rolled, or for several endpoints. `apiKey` null: no calls to
 * Stripe, and events of live and of test mode alike. `apiUrl` replaces https://api.stripe.com. `nowMs` is the clock for
 * fetched states; `timeoutMs` the limit for one call.
 */
export type StripeOptions = {
  webhookSecrets: string[]
  apiKey: string | null
  apiUrl?: string
  toleranceSeconds?: number
  timeoutMs?: number
  nowMs?: () => number
}

/** createStripe makes the Stripe processor. Its verification is our own: see billing/signature.ts for what the SDK's lacks. */
export function createStripe(options: StripeOptions): Processor {
  const { apiKey, apiUrl, timeoutMs = TIMEOUT_MS, nowMs = Date.now } = options
  const tolerance = options.toleranceSeconds ?? TOLERANCE_SECONDS
  const livemode = apiKey ? isLiveKey(apiKey) : null
  const normalise = (rawBody: string) => normaliseStripe(rawBody, livemode)
  const access = apiKey ? { apiKey, timeoutMs, ...(apiUrl ? { apiUrl } : {}) } : null
  return {
    name: 'stripe',
    verify: (delivery) => verifySignature(STRIPE_SIGNATURE, delivery, options.webhookSecrets, tolerance),
    normalise,
    api: access && createApi(createStripeClient(access), { nowMs, timeoutMs, normalise })
  }
}
