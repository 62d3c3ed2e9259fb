import express from 'express'
import { STRIPE_SIGNATURE } from '../../../server/src/billing/processors/stripe/signature.ts'
import { sign } from '../../../server/src/billing/signature.ts'
import type { Dialect, DialectOptions, TwinPrice, TwinSubscription } from '../dialect.ts'
import { ACCOUNT_ROUTES } from './account-routes.ts'
import { createApi } from './api.ts'
import { addCheckoutPage } from './checkout-page.ts'
import { CHECKOUT_ROUTES } from './checkout-routes.ts'
import { createControl } from './control.ts'
import { CUSTOMER_ROUTES } from './customer-routes.ts'
import { nextDueSeconds, runDue } from './due.ts'
import { addInvoicePages } from './invoice-page.ts'
import { INVOICE_ROUTES } from './invoice-routes.ts'
import { PAYMENT_ROUTES } from './payment-routes.ts'
import { addPortalPage } from './portal-page.ts'
import { PORTAL_ROUTES } from './portal-routes.ts'
import { PRICE_ROUTES } from './price-routes.ts'
import { PRODUCT_ROUTES } from './product-routes.ts'
import { SCHEDULE_ROUTES } from './schedule-routes.ts'
import { now } from './shop.ts'
import type { Shop } from './shop.ts'
import { emptyState, stateSchema } from './state.ts'
import type { SubscriptionRecord } from './state.ts'
import { SUBSCRIPTION_ROUTES } from './subscription-routes.ts'

/** StripeDialectOptions: `payloadShape` '2024' sends webhooks as an endpoint of API version 2024-06-20 gets them. */
export type StripeDialectOptions = DialectOptions & { payloadShape?: Shop['payloadShape']; afterRetries?: Shop['afterRetries'] }

/** StripeDialect can change the shape of its webhooks while it runs. */
export type StripeDialect = Dialect & { payloadShape: Shop['payloadShape'] }

const ROUTES = [
  ...PRODUCT_ROUTES,
  ...PRICE_ROUTES,
  ...CUSTOMER_ROUTES,
  ...CHECKOUT_ROUTES,
  ...SUBSCRIPTION_ROUTES,
  ...SCHEDULE_ROUTES,
  ...INVOICE_ROUTES,
  ...PAYMENT_ROUTES,
  ...PORTAL_ROUTES,
  ...ACCOUNT_ROUTES
]

const STATUS: Record<SubscriptionRecord['status'], TwinSubscription['status']> = {
  incomplete: 'incomplete',
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'paused',
  paused: 'paused',
  canceled: 'canceled'
}

/**
 * The pauses of Stripe's live mode: "up to three days with an exponential back off" (docs.stripe.com/webhooks). The
 * steps themselves are not published; these double from five minutes, and end within 72 hours.
 */
const FIRST_RETRY_MS = 5 * 60_000
const RETRIES_END_MS = 72 * 3_600_000

/** createStripeDialect makes the offline Stripe: its API, its pages, its webhooks, and what it does as time passes. */
export function createStripeDialect(options: StripeDialectOptions): StripeDialect {
  const shop: Shop = {
    world: options.world,
    origin: options.origin,
    state: emptyState(),
    unsettled: new Set(),
    momentSeconds: null,
    change: null,
    payloadShape: options.payloadShape ?? 'current',
    afterRetries: options.afterRetries ?? 'cancel'
  }
  const router = express.Router()
  router.use(createApi(shop, options.apiKey, ROUTES))
  addCheckoutPage(router, shop)
  addPortalPage(router, shop)
  addInvoicePages(router, shop)
  return {
    name: 'stripe',
    router,
    control: createControl(shop),
    get payloadShape() {
      return shop.payloadShape
    },
    set payloadShape(shape) {
      shop.payloadShape = shape
    },
    seed: (prices) => seed(shop, prices),
    nextDue() {
      const seconds = nextDueSeconds(shop)
      return seconds === null ? null : seconds * 1000
    },
    runDue: () => runDue(shop),
    subscriptions: () => Object.values(shop.state.subscriptions).map(compared),
    save: () => structuredClone(shop.state),
    load(state) {
      shop.state = stateSchema.parse(state)
      shop.unsettled = new Set(Object.keys(shop.state.invoices))
    },
    requestHeaders({ body, secret, nowMs }) {
      const timestamp = Math.floor(nowMs / 1000)
      return {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': `t=${timestamp},v1=${sign(STRIPE_SIGNATURE, secret, timestamp, body)}`
      }
    },
    retryAfterMs(attempt) {
      const pause = FIRST_RETRY_MS * 2 ** (attempt - 1)
      const sinceFirst = FIRST_RETRY_MS * (2 ** attempt - 1)
      return sinceFirst > RETRIES_END_MS ? null : pause
    }
  }
}

/** seed adds the catalog; a price that is there already stays as it is. */
function seed(shop: Shop, prices: TwinPrice[]): void {
  const created = now(shop)
  for (const { id, plan, planName, interval, amountMinor, currency } of prices) {
    const productId = `prod_${plan}`
    shop.state.products[productId] ??= {
      id: productId,
      name: planName,
      description: null,
      active: true,
      metadata: { plan },
      created,
      updated: created
    }
    shop.state.prices[id] ??= {
      id,
      productId,
      amount: amountMinor,
      currency: currency.toLowerCase(),
      interval,
      intervalCount: 1,
      lookupKey: id,
      nickname: null,
      taxBehavior: 'unspecified',
      active: true,
      metadata: { plan },
      created
    }
  }
  shop.world.changed()
}

function compared(one: SubscriptionRecord): TwinSubscription {
  const instant = (seconds: number): string => new Date(seconds * 1000).toISOString()
  const ends = one.cancelAtPeriodEnd ? one.periodEnd : one.cancelAt
  return {
    processor: 'stripe',
    subscriptionId: one.id,
    customerId: one.customerId,
    accountId: one.metadata.account_id ?? null,
    status: STATUS[one.status],
    priceId: one.items[0]?.priceId ?? '',
    periodStart: instant(one.periodStart),
    periodEnd: instant(one.periodEnd),
    cancelsAt: ends === null ? null : instant(ends)
  }
}
