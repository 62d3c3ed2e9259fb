import { createHmac } from 'node:crypto'
import express from 'express'
import type { Dialect, DialectOptions } from '../dialect.ts'
import { apiRouter } from './api.ts'
import { createContext, TWIN_KEY_ID } from './context.ts'
import { createControl } from './control.ts'
import { seedPlans } from './creation.ts'
import { nextDue, runDue } from './due.ts'
import { pageRouter } from './page.ts'
import { stateSchema } from './state.ts'
import { subscriptionTruths } from './truth.ts'

const FIRST_PAUSE_MS = 60_000
const RETRY_WINDOW_MS = 24 * 3_600_000

/**
 * createRazorpayDialect is an offline Razorpay Subscriptions: its API below /v1 for the key `keyId` (default
 * `rzp_test_twin`) and the secret `apiKey`, its hosted page at /i/<subscription id>, its webhooks and what it does as
 * time passes. Every event's `account_id` is TWIN_ACCOUNT_ID. `load` throws ZodError for what `save` did not write.
 */
export function createRazorpayDialect(options: DialectOptions & { keyId?: string }): Dialect {
  const context = createContext(options.world, options.origin)
  const router = express.Router()
  router.use('/v1', apiRouter(context, { id: options.keyId ?? TWIN_KEY_ID, secret: options.apiKey }))
  router.use('/i', pageRouter(context))
  return {
    name: 'razorpay',
    router,
    control: createControl(context),
    seed: (prices) => seedPlans(context, prices),
    nextDue: () => nextDue(context),
    runDue: () => runDue(context),
    subscriptions: () => subscriptionTruths(context),
    save: () => structuredClone(context.state),
    load(state) {
      context.state = stateSchema.parse(structuredClone(state))
    },
    requestHeaders: ({ body, eventId, secret }) => ({
      'content-type': 'application/json',
      'user-agent': 'Razorpay-Webhook/v1',
      // No time goes into the signature, and the event's id is not signed: a retry has the same headers.
      'x-razorpay-signature': createHmac('sha256', secret).update(body).digest('hex'),
      'x-razorpay-event-id': eventId
    }),
    retryAfterMs
  }
}

// "Exponential backoff policy for 24 hours after event creation" (best-practices.md); the intervals are not published.
function retryAfterMs(attempt: number): number | null {
  const waitedMs = FIRST_PAUSE_MS * (2 ** attempt - 1)
  return waitedMs > RETRY_WINDOW_MS ? null : FIRST_PAUSE_MS * 2 ** (attempt - 1)
}
