import { z } from 'zod'

/** All times are Unix seconds, all amounts minor units, as in Stripe's own objects. */
const seconds = z.int()
const metadata = z.record(z.string(), z.string())
const card = z.enum(['good', 'declined', 'declined_later'])

const product = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  active: z.boolean(),
  metadata,
  created: seconds,
  updated: seconds
})

const price = z.object({
  id: z.string(),
  productId: z.string(),
  amount: z.int(),
  currency: z.string(),
  interval: z.enum(['month', 'year']).nullable(),
  intervalCount: z.int(),
  lookupKey: z.string().nullable(),
  nickname: z.string().nullable(),
  taxBehavior: z.string(),
  active: z.boolean(),
  metadata,
  created: seconds
})

const customer = z.object({
  id: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  description: z.string().nullable(),
  phone: z.string().nullable(),
  metadata,
  created: seconds,
  currency: z.string().nullable(),
  /** Below 0: credit, used up by the next invoices. */
  balance: z.int(),
  card: card.nullable(),
  paymentMethodId: z.string().nullable(),
  delinquent: z.boolean(),
  invoicePrefix: z.string(),
  nextInvoiceNumber: z.int(),
  deleted: z.boolean()
})

const item = z.object({ id: z.string(), priceId: z.string(), quantity: z.int(), metadata, created: seconds })

/** A line that waits for the next invoice, or stands on one. `whole`: it pays for a whole period, it is no proration. */
const line = z.object({
  id: z.string(),
  description: z.string(),
  amount: z.int(),
  quantity: z.int(),
  priceId: z.string(),
  itemId: z.string(),
  periodStart: seconds,
  periodEnd: seconds,
  whole: z.boolean(),
  metadata
})

const subscription = z.object({
  id: z.string(),
  customerId: z.string(),
  status: z.enum(['incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled']),
  items: z.array(item),
  pendingLines: z.array(line),
  currency: z.string(),
  anchor: seconds,
  periodStart: seconds,
  periodEnd: seconds,
  cancelAtPeriodEnd: z.boolean(),
  cancelAt: seconds.nullable(),
  canceledAt: seconds.nullable(),
  endedAt: seconds.nullable(),
  cancelReason: z.string().nullable(),
  cancelComment: z.string().nullable(),
  cancelFeedback: z.string().nullable(),
  trialStart: seconds.nullable(),
  trialEnd: seconds.nullable(),
  trialWarned: z.boolean(),
  pausedAt: seconds.nullable(),
  pauseCollection: z.object({ behavior: z.string(), resumesAt: seconds.nullable() }).nullable(),
  /** A change that waits until its invoice is paid. */
  pendingUpdate: z.object({ items: z.array(item), invoiceId: z.string(), expiresAt: seconds }).nullable(),
  latestInvoiceId: z.string().nullable(),
  scheduleId: z.string().nullable(),
  description: z.string().nullable(),
  metadata,
  created: seconds
})

const invoice = z.object({
  id: z.string(),
  customerId: z.string(),
  subscriptionId: z.string(),
  /** The subscription's metadata as they were when the invoice was made; Stripe keeps that snapshot. */
  subscriptionMetadata: metadata,
  status: z.enum(['draft', 'open', 'paid', 'void', 'uncollectible']),
  billingReason: z.enum(['subscription_create', 'subscription_cycle', 'subscription_update', 'upcoming']),
  lines: z.array(line),
  currency: z.string(),
  number: z.string().nullable(),
  total: z.int(),
  startingBalance: z.int(),
  endingBalance: z.int().nullable(),
  amountDue: z.int(),
  amountPaid: z.int(),
  attemptCount: z.int(),
  attempted: z.boolean(),
  autoAdvance: z.boolean(),
  finalizesAt: seconds.nullable(),
  nextAttempt: seconds.nullable(),
  periodStart: seconds,
  periodEnd: seconds,
  created: seconds,
  finalizedAt: seconds.nullable(),
  paidAt: seconds.nullable(),
  voidedAt: seconds.nullable(),
  paymentIntentId: z.string().nullable(),
  invoicePaymentId: z.string().nullable(),
  metadata
})

const paymentIntent = z.object({
  id: z.string(),
  secret: z.string(),
  customerId: z.string().nullable(),
  invoiceId: z.string().nullable(),
  amount: z.int(),
  currency: z.string(),
  description: z.string(),
  paymentMethodId: z.string().nullable(),
  status: z.enum(['requires_payment_method', 'succeeded', 'canceled']),
  latestChargeId: z.string().nullable(),
  canceledAt: seconds.nullable(),
  created: seconds
})

const charge = z.object({
  id: z.string(),
  paymentIntentId: z.string(),
  customerId: z.string().nullable(),
  amount: z.int(),
  amountRefunded: z.int(),
  currency: z.string(),
  description: z.string(),
  paymentMethodId: z.string(),
  balanceTransactionId: z.string().nullable(),
  succeeded: z.boolean(),
  disputed: z.boolean(),
  last4: z.string(),
  email: z.string().nullable(),
  created: seconds
})

const refund = z.object({
  id: z.string(),
  chargeId: z.string(),
  balanceTransactionId: z.string(),
  amount: z.int(),
  currency: z.string(),
  reason: z.string().nullable(),
  metadata,
  created: seconds
})

const dispute = z.object({
  id: z.string(),
  chargeId: z.string(),
  amount: z.int(),
  currency: z.string(),
  status: z.enum(['needs_response', 'won', 'lost']),
  balanceTransactionIds: z.array(z.string()),
  metadata,
  created: seconds
})

const phase = z.object({
  start: seconds,
  end: seconds,
  items: z.array(z.object({ priceId: z.string(), quantity: z.int(), metadata })),
  proration: z.enum(['create_prorations', 'always_invoice', 'none']),
  trialEnd: seconds.nullable(),
  metadata
})

const schedule = z.object({
  id: z.string(),
  customerId: z.string(),
  subscriptionId: z.string().nullable(),
  releasedSubscriptionId: z.string().nullable(),
  status: z.enum(['active', 'canceled', 'completed', 'released']),
  endBehavior: z.enum(['release', 'cancel']),
  /** Which of `phases` is the current one. */
  phaseIndex: z.int(),
  phases: z.array(phase),
  canceledAt: seconds.nullable(),
  completedAt: seconds.nullable(),
  releasedAt: seconds.nullable(),
  metadata,
  created: seconds
})

const checkout = z.object({
  id: z.string(),
  status: z.enum(['open', 'complete', 'expired']),
  priceId: z.string(),
  quantity: z.int(),
  customerId: z.string().nullable(),
  customerEmail: z.string().nullable(),
  clientReferenceId: z.string().nullable(),
  metadata,
  subscriptionMetadata: metadata,
  subscriptionDescription: z.string().nullable(),
  trialEnd: seconds.nullable(),
  trialDays: z.int(),
  successUrl: z.string(),
  cancelUrl: z.string().nullable(),
  locale: z.string().nullable(),
  allowPromotionCodes: z.boolean().nullable(),
  paid: z.boolean(),
  subscriptionId: z.string().nullable(),
  invoiceId: z.string().nullable(),
  expiresAt: seconds,
  created: seconds
})

const portalSession = z.object({
  id: z.string(),
  customerId: z.string(),
  configurationId: z.string(),
  returnUrl: z.string().nullable(),
  created: seconds
})

const portalConfiguration = z.object({
  id: z.string(),
  isDefault: z.boolean(),
  active: z.boolean(),
  name: z.string().nullable(),
  defaultReturnUrl: z.string().nullable(),
  /** As the seller sent them: nested texts, `features[subscription_cancel][enabled]` and so on. */
  features: z.json(),
  businessProfile: z.json(),
  loginPageEnabled: z.boolean(),
  metadata,
  created: seconds,
  updated: seconds
})

const endpoint = z.object({
  id: z.string(),
  url: z.string(),
  enabledEvents: z.array(z.string()),
  apiVersion: z.string().nullable(),
  description: z.string().nullable(),
  status: z.enum(['enabled', 'disabled']),
  metadata,
  created: seconds
})

/** An event as `/v1/events` answers it: `body` is its JSON text. */
const event = z.object({ id: z.string(), type: z.string(), created: seconds, body: z.string() })

const answer = z.object({ fingerprint: z.string(), status: z.int(), body: z.string(), created: seconds })

/** stateSchema is everything the twin's Stripe knows, as it is kept over a restart. */
export const stateSchema = z.object({
  products: z.record(z.string(), product),
  prices: z.record(z.string(), price),
  customers: z.record(z.string(), customer),
  subscriptions: z.record(z.string(), subscription),
  invoices: z.record(z.string(), invoice),
  paymentIntents: z.record(z.string(), paymentIntent),
  charges: z.record(z.string(), charge),
  refunds: z.record(z.string(), refund),
  disputes: z.record(z.string(), dispute),
  schedules: z.record(z.string(), schedule),
  checkouts: z.record(z.string(), checkout),
  portalSessions: z.record(z.string(), portalSession),
  portalConfigurations: z.record(z.string(), portalConfiguration),
  endpoints: z.record(z.string(), endpoint),
  events: z.array(event),
  answers: z.record(z.string(), answer)
})

export type State = z.output<typeof stateSchema>
export type ProductRecord = z.output<typeof product>
export type PriceRecord = z.output<typeof price>
export type CustomerRecord = z.output<typeof customer>
export type ItemRecord = z.output<typeof item>
export type LineRecord = z.output<typeof line>
export type SubscriptionRecord = z.output<typeof subscription>
export type InvoiceRecord = z.output<typeof invoice>
export type PaymentIntentRecord = z.output<typeof paymentIntent>
export type ChargeRecord = z.output<typeof charge>
export type RefundRecord = z.output<typeof refund>
export type DisputeRecord = z.output<typeof dispute>
export type PhaseRecord = z.output<typeof phase>
export type ScheduleRecord = z.output<typeof schedule>
export type CheckoutRecord = z.output<typeof checkout>
export type PortalSessionRecord = z.output<typeof portalSession>
export type PortalConfigurationRecord = z.output<typeof portalConfiguration>
export type EndpointRecord = z.output<typeof endpoint>

/** emptyState is a Stripe account in which nothing has happened yet. */
export function emptyState(): State {
  return {
    products: {},
    prices: {},
    customers: {},
    subscriptions: {},
    invoices: {},
    paymentIntents: {},
    charges: {},
    refunds: {},
    disputes: {},
    schedules: {},
    checkouts: {},
    portalSessions: {},
    portalConfigurations: {},
    endpoints: {},
    events: [],
    answers: {}
  }
}
