import { Environment, LogLevel, Paddle } from '@paddle/paddle-node-sdk'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent } from '../../billing-event.ts'
import { faultsOf } from '../../payload.ts'
import type { Processor } from '../../processor.ts'
import { verifySignature } from '../../signature.ts'
import { normalisePaddle, stateOf } from './normalise.ts'
import { PADDLE_SIGNATURE } from './signature.ts'
import { subscription } from './subscription.ts'

/** What Paddle recommends and its SDK has fixed. Paddle signs every retry anew, so a late retry is not an old one. */
const TOLERANCE_SECONDS = 5
const TIMEOUT_MS = 10_000

/**
 * PaddleOptions: several `webhookSecrets` while one is rolled, or for several destinations. `apiKey` null: no calls to
 * Paddle. `apiUrl` replaces the environment's server. `nowMs` is the clock for fetched states. A wider
 * `toleranceSeconds` is for servers whose clock cannot be kept within a second.
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
  const tolerance = options.toleranceSeconds ?? TOLERANCE_SECONDS
  return {
    name: 'paddle',
    verify: (delivery) => verifySignature(PADDLE_SIGNATURE, delivery, options.webhookSecrets, tolerance),
    normalise: normalisePaddle,
    fetchSubscription: options.apiKey ? fetcher(options.apiKey, options) : null
  }
}

function fetcher(apiKey: string, { apiUrl, environment, timeoutMs = TIMEOUT_MS, nowMs = Date.now }: PaddleOptions) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the SDK takes any URL here, its type only two names
  const server = (apiUrl ?? Environment[environment]) as Environment
  const paddle = new Paddle(apiKey, { environment: server, logLevel: LogLevel.none })
  return async (subscriptionId: string): Promise<BillingEvent> => {
    // Taken before asking: whatever changes meanwhile is newer than this answer claims to be.
    const occurredAt = new Date(nowMs()).toISOString()
    const entity = await within(timeoutMs, paddle.subscriptions.get(encodeURIComponent(subscriptionId)))
    // Back to the names of the webhooks, so that one schema reads both.
    const parsed = subscription.safeParse({
      id: entity.id,
      status: entity.status,
      customer_id: entity.customerId,
      items: entity.items.map((item) => ({ price: { id: item.price.id }, recurring: item.recurring })),
      current_billing_period: entity.currentBillingPeriod && {
        starts_at: entity.currentBillingPeriod.startsAt,
        ends_at: entity.currentBillingPeriod.endsAt
      },
      scheduled_change: entity.scheduledChange && {
        action: entity.scheduledChange.action,
        effective_at: entity.scheduledChange.effectiveAt
      },
      custom_data: entity.customData
    })
    if (!parsed.success) throw new Error(`Paddle answered in an unknown shape: ${faultsOf(parsed.error)}`)
    const envelope = { eventId: `fetch:${subscriptionId}:${occurredAt}`, eventType: 'fetched', occurredAt }
    return stateOf(envelope, EVENT_RANK.updated, parsed.data)
  }
}

/** within bounds a call of the SDK, which has no timeout of its own; the abandoned request ends by itself. */
async function within<Value>(timeoutMs: number, answer: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Paddle did not answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
