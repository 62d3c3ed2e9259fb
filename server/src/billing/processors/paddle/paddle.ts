import type { Processor, ProcessorApi } from '../../processor.ts'
import { verifySignature } from '../../signature.ts'
import { subscriptionCalls } from './changes.ts'
import { checkoutCalls } from './checkout.ts'
import { connect } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import { eventCalls } from './events.ts'
import { invoiceCalls } from './invoices.ts'
import { normalisePaddle } from './normalise.ts'
import { portalCalls } from './portal.ts'
import { PADDLE_SIGNATURE } from './signature.ts'

/** What Paddle recommends and its SDK has fixed. Paddle signs every retry anew, so a late retry is not an old one. */
const TOLERANCE_SECONDS = 5

/**
 * PaddleOptions: several `webhookSecrets` while one is rolled, or for several destinations. `apiKey` null: no calls to
 * Paddle. `apiUrl` replaces the environment's server. `nowMs` is the clock for fetched states. A wider
 * `toleranceSeconds` is for servers whose clock cannot be kept within a second. `timeoutMs` is for a whole call.
 */
export type PaddleOptions = {
  webhookSecrets: string[]
  apiKey: string | null
  environment: 'sandbox' | 'production'
  apiUrl?: string
  toleranceSeconds?: number
  timeoutMs?: number
  nowMs?: () => number
}

/** createPaddle makes the Paddle processor. Its verification is our own: see billing/signature.ts for what the SDK's lacks. */
export function createPaddle(options: PaddleOptions): Processor {
  const { apiKey } = options
  const tolerance = options.toleranceSeconds ?? TOLERANCE_SECONDS
  return {
    name: 'paddle',
    verify: (delivery) => verifySignature(PADDLE_SIGNATURE, delivery, options.webhookSecrets, tolerance),
    normalise: normalisePaddle,
    api: apiKey ? apiOf({ ...options, apiKey }) : null
  }
}

function apiOf(options: ConnectionOptions): ProcessorApi {
  const connection = connect(options)
  return {
    ...checkoutCalls(connection),
    ...subscriptionCalls(connection),
    ...invoiceCalls(connection),
    ...portalCalls(connection),
    ...eventCalls(connection)
  }
}
