import { find } from './shop.ts'
import type { JsonObject } from './shop.ts'
import { renderList, renderPrice } from './render-catalog.ts'
import type { CheckoutRecord, PortalConfigurationRecord, PortalSessionRecord, State } from './state.ts'

const NO_TEXT = { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null }

/** dueToday is what a checkout takes at once: nothing when it begins with a trial. */
export function dueToday(state: State, one: CheckoutRecord): number {
  if (one.trialDays > 0 || one.trialEnd !== null) return 0
  return find(state.prices, 'price', one.priceId).amount * one.quantity
}

/** renderCheckout words a Checkout Session; its page can be reached while it is open. */
export function renderCheckout(state: State, one: CheckoutRecord, origin: string): JsonObject {
  const price = find(state.prices, 'price', one.priceId)
  const due = dueToday(state, one)
  return {
    id: one.id,
    object: 'checkout.session',
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allow_promotion_codes: one.allowPromotionCodes,
    allowed_payment_method_types: null,
    amount_subtotal: due,
    amount_total: due,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: one.cancelUrl,
    client_reference_id: one.clientReferenceId,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: one.created,
    currency: price.currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: NO_TEXT,
    customer: one.customerId,
    customer_account: null,
    customer_creation: one.customerId === null || one.status !== 'complete' ? 'always' : null,
    customer_details: renderCustomerDetails(state, one),
    customer_email: one.customerEmail,
    discounts: [],
    expires_at: one.expiresAt,
    integration_identifier: null,
    invoice: one.invoiceId,
    invoice_creation: null,
    livemode: false,
    locale: one.locale,
    managed_payments: null,
    metadata: one.metadata,
    mode: 'subscription',
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'always',
    payment_method_configuration_details: null,
    payment_method_options: { card: { request_three_d_secure: 'automatic' } },
    payment_method_types: ['card'],
    payment_status: one.status !== 'complete' ? 'unpaid' : one.paid ? 'paid' : 'no_payment_required',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: {
      allow_redisplay_filters: ['always'],
      payment_method_remove: 'disabled',
      payment_method_save: null
    },
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: one.status,
    submit_type: null,
    subscription: one.subscriptionId,
    success_url: one.successUrl,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: one.status === 'open' ? `${origin}/checkout/${one.id}` : null,
    wallet_options: null
  }
}

function renderCustomerDetails(state: State, one: CheckoutRecord): JsonObject | null {
  const email = one.customerId ? (state.customers[one.customerId]?.email ?? null) : one.customerEmail
  if (email === null && one.status !== 'complete') return null
  return {
    address: null,
    business_name: null,
    email,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: 'none',
    tax_ids: one.status === 'complete' ? [] : null
  }
}

/** renderCheckoutLines is the list below `/v1/checkout/sessions/:id/line_items`. */
export function renderCheckoutLines(state: State, one: CheckoutRecord): JsonObject {
  const price = find(state.prices, 'price', one.priceId)
  const due = dueToday(state, one)
  const line = {
    id: `li_${one.id.slice('cs_test_'.length)}`,
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: due,
    amount_tax: 0,
    amount_total: due,
    currency: price.currency,
    description: find(state.products, 'product', price.productId).name,
    metadata: {},
    price: renderPrice(price),
    quantity: one.quantity
  }
  return renderList(`/v1/checkout/sessions/${one.id}/line_items`, [line])
}

/** renderPortalSession words a session of the customer portal; `url` is its page. */
export function renderPortalSession(one: PortalSessionRecord, origin: string): JsonObject {
  return {
    id: one.id,
    object: 'billing_portal.session',
    configuration: one.configurationId,
    created: one.created,
    customer: one.customerId,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: one.returnUrl,
    url: `${origin}/portal/${one.id}`
  }
}

/** renderPortalConfiguration words what the portal offers, as the seller set it. */
export function renderPortalConfiguration(one: PortalConfigurationRecord): JsonObject {
  return {
    id: one.id,
    object: 'billing_portal.configuration',
    active: one.active,
    application: null,
    business_profile: one.businessProfile,
    created: one.created,
    default_return_url: one.defaultReturnUrl,
    features: one.features,
    is_default: one.isDefault,
    livemode: false,
    login_page: { enabled: one.loginPageEnabled, url: null },
    metadata: one.metadata,
    name: one.name,
    updated: one.updated
  }
}
