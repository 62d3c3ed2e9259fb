import type { Json, JsonObject } from './shop.ts'
import type { CustomerRecord, EndpointRecord, PriceRecord, ProductRecord } from './state.ts'

/** NO_ADDRESS is an address of which nothing is known. */
export const NO_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null }

/** renderProduct words a product as Stripe's API does. */
export function renderProduct(one: ProductRecord): JsonObject {
  return {
    id: one.id,
    object: 'product',
    active: one.active,
    created: one.created,
    default_price: null,
    description: one.description,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: one.metadata,
    name: one.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: null,
    updated: one.updated,
    url: null
  }
}

/** renderPrice words a price as Stripe's API does. */
export function renderPrice(one: PriceRecord): JsonObject {
  return {
    id: one.id,
    object: 'price',
    active: one.active,
    billing_scheme: 'per_unit',
    created: one.created,
    currency: one.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: one.lookupKey,
    metadata: one.metadata,
    nickname: one.nickname,
    product: one.productId,
    recurring: one.interval && {
      interval: one.interval,
      interval_count: one.intervalCount,
      meter: null,
      trial_period_days: null,
      usage_type: 'licensed'
    },
    tax_behavior: one.taxBehavior,
    tiers_mode: null,
    transform_quantity: null,
    type: one.interval ? 'recurring' : 'one_time',
    unit_amount: one.amount,
    unit_amount_decimal: String(one.amount)
  }
}

/** renderPlan words a price as the plan that Stripe still shows beside it. */
export function renderPlan(one: PriceRecord): JsonObject {
  return {
    id: one.id,
    object: 'plan',
    active: one.active,
    amount: one.amount,
    amount_decimal: String(one.amount),
    billing_scheme: 'per_unit',
    created: one.created,
    currency: one.currency,
    interval: one.interval,
    interval_count: one.intervalCount,
    livemode: false,
    metadata: one.metadata,
    meter: null,
    nickname: one.nickname,
    product: one.productId,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed'
  }
}

/** renderCustomer words a customer as Stripe's API does; one that was deleted is only its id. */
export function renderCustomer(one: CustomerRecord): JsonObject {
  return one.deleted ? { id: one.id, object: 'customer', deleted: true } : renderWholeCustomer(one)
}

/** renderWholeCustomer words also a deleted customer in full, as the event of the deletion does. */
export function renderWholeCustomer(one: CustomerRecord): JsonObject {
  return {
    id: one.id,
    object: 'customer',
    address: null,
    balance: one.balance,
    created: one.created,
    currency: one.currency,
    customer_account: null,
    default_source: null,
    delinquent: one.delinquent,
    description: one.description,
    discount: null,
    email: one.email,
    invoice_prefix: one.invoicePrefix,
    invoice_settings: {
      custom_fields: null,
      default_payment_method: one.paymentMethodId,
      footer: null,
      rendering_options: null
    },
    livemode: false,
    metadata: one.metadata,
    name: one.name,
    next_invoice_sequence: one.nextInvoiceNumber,
    phone: one.phone,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null
  }
}

/** renderEndpoint words a webhook endpoint; Stripe shows its secret in the answer to its creation and never again. */
export function renderEndpoint(one: EndpointRecord, secret?: string): JsonObject {
  return {
    id: one.id,
    object: 'webhook_endpoint',
    api_version: one.apiVersion,
    application: null,
    created: one.created,
    description: one.description,
    enabled_events: one.enabledEvents,
    livemode: false,
    metadata: one.metadata,
    ...(secret === undefined ? {} : { secret }),
    status: one.status,
    url: one.url
  }
}

/** renderList words `data` as one page of a list. */
export function renderList(url: string, data: Json[], hasMore = false): JsonObject {
  return { object: 'list', data, has_more: hasMore, url }
}
