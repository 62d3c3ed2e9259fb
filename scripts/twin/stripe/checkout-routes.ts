import { z } from 'zod'
import type { ApiRequest, ApiRoute } from './api.ts'
import { HOUR, MINUTE } from './calendar.ts'
import { expireCheckout } from './checkout.ts'
import { liveCustomer } from './customers.ts'
import { invalid } from './fault.ts'
import { anything, emptyable, flag, integer, LISTING, merged, metadata, page, parameters, words } from './parameters.ts'
import { renderCheckout, renderCheckoutLines } from './render-page-objects.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import type { CheckoutRecord } from './state.ts'

/** Two clocks never agree to the second; Stripe's own limits are 30 minutes and 24 hours. */
const SLACK = MINUTE

const CHECKOUT = {
  mode: z.literal('subscription'),
  line_items: z.array(z.strictObject({ price: words, quantity: integer.optional() })).length(1),
  customer: words.optional(),
  customer_email: words.optional(),
  client_reference_id: z.string().max(200).optional(),
  metadata: metadata.optional(),
  subscription_data: z
    .strictObject({
      metadata: metadata.optional(),
      description: emptyable.optional(),
      trial_period_days: integer.optional(),
      trial_end: integer.optional(),
      trial_settings: anything,
      billing_mode: anything,
      proration_behavior: anything,
      invoice_settings: anything
    })
    .optional(),
  success_url: z.string().regex(/^https?:\/\//),
  cancel_url: z
    .string()
    .regex(/^https?:\/\//)
    .optional(),
  expires_at: integer.optional(),
  locale: words.optional(),
  allow_promotion_codes: flag.optional(),
  ui_mode: z.literal('hosted_page').optional(),
  payment_method_collection: z.literal('always').optional(),
  payment_method_types: anything,
  billing_address_collection: anything,
  automatic_tax: anything,
  tax_id_collection: anything,
  customer_update: anything,
  consent_collection: anything,
  custom_text: anything,
  saved_payment_method_options: anything
}

/** CHECKOUT_ROUTES are `/v1/checkout/sessions`, for subscriptions on the hosted page. */
export const CHECKOUT_ROUTES: ApiRoute[] = [
  { method: 'post', path: '/v1/checkout/sessions', answer: createCheckout },
  { method: 'get', path: '/v1/checkout/sessions/:id', answer: ({ shop, id }) => answer(shop, session(shop, id)) },
  {
    method: 'get',
    path: '/v1/checkout/sessions/:id/line_items',
    answer: ({ shop, id }) => renderCheckoutLines(shop.state, session(shop, id))
  },
  {
    method: 'post',
    path: '/v1/checkout/sessions/:id/expire',
    answer({ shop, id }) {
      const checkout = session(shop, id)
      expireCheckout(shop, checkout)
      return answer(shop, checkout)
    }
  },
  {
    method: 'get',
    path: '/v1/checkout/sessions',
    answer({ shop, form }) {
      const asked = parameters(
        { ...LISTING, customer: words.optional(), subscription: words.optional(), status: words.optional() },
        form
      )
      const wanted = Object.values(shop.state.checkouts).filter(
        (one) =>
          (asked.customer === undefined || one.customerId === asked.customer) &&
          (asked.subscription === undefined || one.subscriptionId === asked.subscription) &&
          (asked.status === undefined || one.status === asked.status)
      )
      return page('/v1/checkout/sessions', 'checkout.session', wanted, asked, (one) => answer(shop, one))
    }
  }
]

function session(shop: Shop, id: string): CheckoutRecord {
  return find(shop.state.checkouts, 'checkout.session', id)
}

function answer(shop: Shop, checkout: CheckoutRecord) {
  return renderCheckout(shop.state, checkout, shop.origin)
}

function createCheckout({ shop, form }: ApiRequest) {
  const asked = parameters(CHECKOUT, form)
  const line = asked.line_items[0]
  const price = find(shop.state.prices, 'price', line?.price ?? '', 'line_items[0][price]')
  if (!price.active)
    throw invalid('The price specified is inactive. This field only accepts active prices.', 'line_items[0][price]')
  if (price.interval === null)
    throw invalid('You must provide at least one recurring price in `subscription` mode when using prices.', 'line_items')
  if (asked.customer !== undefined && asked.customer_email !== undefined) {
    throw invalid('You may only specify one of these parameters: customer, customer_email.', 'customer')
  }
  if (asked.customer !== undefined) liveCustomer(shop, asked.customer, 'customer')
  const at = now(shop)
  const expiresAt = asked.expires_at ?? at + 24 * HOUR
  if (expiresAt > at + 24 * HOUR + SLACK) {
    throw invalid('The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.', 'expires_at')
  }
  if (expiresAt < at + 30 * MINUTE - SLACK) {
    throw invalid('The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.', 'expires_at')
  }
  const wish = asked.subscription_data
  if (wish?.trial_period_days !== undefined && wish.trial_period_days < 1) {
    throw invalid('The minimum number of trial period days is 1.', 'subscription_data[trial_period_days]')
  }
  if (wish?.trial_end !== undefined && wish.trial_end < at + 48 * HOUR) {
    throw invalid('The `trial_end` date has to be at least 2 days in the future.', 'subscription_data[trial_end]')
  }
  const checkout: CheckoutRecord = {
    id: shop.world.id('cs_test_', 58),
    status: 'open',
    priceId: price.id,
    quantity: line?.quantity ?? 1,
    customerId: asked.customer ?? null,
    customerEmail: asked.customer_email ?? null,
    clientReferenceId: asked.client_reference_id ?? null,
    metadata: merged({}, asked.metadata),
    subscriptionMetadata: merged({}, wish?.metadata),
    subscriptionDescription: wish?.description ?? null,
    trialEnd: wish?.trial_end ?? null,
    trialDays: wish?.trial_period_days ?? 0,
    successUrl: asked.success_url,
    cancelUrl: asked.cancel_url ?? null,
    locale: asked.locale ?? null,
    allowPromotionCodes: asked.allow_promotion_codes ?? null,
    paid: false,
    subscriptionId: null,
    invoiceId: null,
    expiresAt,
    created: at
  }
  shop.state.checkouts[checkout.id] = checkout
  return answer(shop, checkout)
}
