import { Router } from 'express'
import { PADDLE_SIGNATURE } from '../../../server/src/billing/processors/paddle/signature.ts'
import { sign } from '../../../server/src/billing/signature.ts'
import type { Dialect, DialectOptions, TwinSubscription } from '../dialect.ts'
import { apiRoutes } from './api/api.ts'
import { seedCatalog } from './catalog.ts'
import { createControl } from './control.ts'
import { nextDueMs, runDue } from './due.ts'
import { pageRoutes } from './pages/pages.ts'
import { Shop } from './shop.ts'
import { state } from './state/state.ts'
import type { Subscription } from './state/subscription.ts'

/** createPaddleDialect makes the offline Paddle Billing: its API, its pages, its notifications and its passing of time. */
export function createPaddleDialect({ world, origin, apiKey }: DialectOptions): Dialect {
  const shop = new Shop(world, origin)
  const catchUp = () => runDue(shop, world.nowMs())
  const during = <Result>(change: () => Result): Result => {
    catchUp()
    try {
      return shop.act(change)
    } finally {
      // A debt paid late lets the renewal follow that had to wait for it.
      catchUp()
    }
  }
  const context = { shop, during, catchUp }
  const router = Router()
  router.use(pageRoutes(context))
  router.use(apiRoutes(context, apiKey))
  return {
    name: 'paddle',
    router,
    control: createControl(shop, during),
    seed: (prices) => shop.act(() => seedCatalog(shop, prices)),
    nextDue: () => nextDueMs(shop),
    runDue: catchUp,
    subscriptions: () => Object.values(shop.state.subscriptions).map(twinSubscription),
    save: () => structuredClone(shop.state),
    load(saved) {
      shop.state = state.parse(saved)
    },
    requestHeaders: ({ body, secret, nowMs }) => {
      const timestamp = Math.floor(nowMs / 1000)
      return {
        'content-type': 'application/json',
        'user-agent': 'Paddle',
        'paddle-signature': `ts=${timestamp};h1=${sign(PADDLE_SIGNATURE, secret, timestamp, body)}`
      }
    },
    retryAfterMs
  }
}

const TRIES = 60
const FIRST_PAUSE_MS = 60_000
const GROWTH = 1.11

/**
 * retryAfterMs is Paddle's rule for live accounts: up to 60 tries within 3 days, with growing pauses
 * (developer.paddle.com, webhooks/about/respond-to-webhooks). How they grow is not published; these go from one minute to
 * about seven hours and end after 3 days.
 */
function retryAfterMs(attempt: number): number | null {
  return attempt >= TRIES ? null : Math.round(FIRST_PAUSE_MS * GROWTH ** (attempt - 1))
}

function twinSubscription(subscription: Subscription): TwinSubscription {
  const account = subscription.custom_data?.['account_id']
  const change = subscription.scheduled_change
  return {
    processor: 'paddle',
    subscriptionId: subscription.id,
    customerId: subscription.customer_id,
    accountId: typeof account === 'string' ? account : null,
    status: subscription.status,
    priceId: subscription.items[0]?.price_id ?? '',
    periodStart: subscription.current_billing_period?.starts_at ?? null,
    periodEnd: subscription.current_billing_period?.ends_at ?? null,
    cancelsAt: change?.action === 'cancel' ? change.effective_at : null
  }
}
