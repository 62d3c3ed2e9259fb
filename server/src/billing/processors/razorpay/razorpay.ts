import type { Processor } from '../../processor.ts'
import { verifyBodySignature } from '../../signature.ts'
import { createApi } from './api.ts'
import { startCall } from './client.ts'
import { normaliserOf } from './normalise.ts'
import { RAZORPAY_SIGNATURE } from './signature.ts'

/**
 * RazorpayOptions: several `webhookSecrets` while one is changed, since Razorpay signs the retries of older deliveries with
 * the old one. Without `keyId` and `keySecret` there are no calls to Razorpay. `accountId` (`acc_…`): events of other
 * accounts are ignored. `apiUrl` replaces https://api.razorpay.com. `timeoutMs` is for a whole call, with all its requests.
 * `nowMs` is the clock for fetched states and trials.
 */
export type RazorpayOptions = {
  webhookSecrets: string[]
  keyId: string | null
  keySecret: string | null
  accountId?: string | null
  apiUrl?: string
  timeoutMs?: number
  nowMs?: () => number
}

/**
 * createRazorpay makes the Razorpay processor. Its verification is our own: the SDK's throws without a header and takes
 * one secret.
 */
export function createRazorpay(options: RazorpayOptions): Processor {
  const { webhookSecrets, keyId, keySecret, accountId = null, apiUrl, timeoutMs, nowMs = Date.now } = options
  const hasKey = keyId !== null && keySecret !== null
  return {
    name: 'razorpay',
    verify: (delivery) => verifyBodySignature(RAZORPAY_SIGNATURE, delivery, webhookSecrets),
    normalise: normaliserOf(accountId),
    api: hasKey ? createApi(() => ({ client: startCall({ keyId, keySecret, apiUrl, timeoutMs }), nowMs })) : null
  }
}
