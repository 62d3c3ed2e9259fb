import type { BillingEvent } from '../../src/billing/billing-event.ts'

/** FixtureOutcome is the reason for which a payload is ignored, the fault for which it is rejected, or the event it is. */
export type FixtureOutcome = string | { rejected: string } | BillingEvent

const NOT_ACTED_ON = 'Parley does not act on this event type'

const NOTHING: Omit<BillingEvent, 'processor' | 'eventId' | 'eventType' | 'kind' | 'occurredAt' | 'rank'> = {
  accountId: null,
  customerId: null,
  subscriptionId: null,
  status: null,
  payment: null,
  items: [],
  cancelsAt: null,
  trialEndsAt: null,
  amountMinor: null,
  currency: null,
  paymentId: null,
  objectIds: [],
  reversalId: null,
  reversalStatus: null
}

const STRIPE_PRICE = 'price_1IDQm5JDPojXS6LNM31hxKzp'
const JUNE = { priceId: STRIPE_PRICE, periodStart: '2021-06-08T10:41:58.000Z', periodEnd: '2021-07-08T10:41:58.000Z' }

// The same inquiry in each of its events, also in the one that says closed.
const INQUIRY: Omit<BillingEvent, 'eventType' | 'rank'> = {
  ...NOTHING,
  processor: 'stripe',
  eventId: 'evt_3KtQThJDPojXS6LN0E06aNxq',
  kind: 'dispute',
  occurredAt: '2021-04-29T12:58:31.000Z',
  amountMinor: 1000,
  currency: 'USD',
  objectIds: ['pi_1IqtG9JDPojXS6LNOGnYrIqq', 'ch_1IqtGAJDPojXS6LNstgEfUji'],
  reversalId: 'dp_1MLuxQJDPojXS6LNrukJCBBG',
  reversalStatus: 'pending'
}

// The same succeeded refund in each of its events, also in the one that says failed: the status decides.
const REFUND: Omit<BillingEvent, 'eventType' | 'rank'> = {
  ...NOTHING,
  processor: 'stripe',
  eventId: 'evt_1KJrGtJDPojXS6LN15fcthM3',
  kind: 'refund',
  occurredAt: '2022-01-20T03:25:11.000Z',
  amountMinor: 1000,
  currency: 'USD',
  objectIds: ['pi_1GszsK2eZvKYlo2CfhZyoZLp', 'ch_1NirD82eZvKYlo2CIvbtLWuY'],
  reversalId: 're_1Nispe2eZvKYlo2Cd31jOCgZ',
  reversalStatus: 'reversed'
}

/** STRIPE_OUTCOMES: by file of ../shared/fixtures/stripe, the shapes of 2020 to 2023. */
export const STRIPE_OUTCOMES: Record<string, FixtureOutcome> = {
  'charge.dispute.closed.2020-03-02.sync-engine.json': { ...INQUIRY, eventType: 'charge.dispute.closed', rank: 3 },
  'charge.dispute.created.2020-03-02.sync-engine.json': { ...INQUIRY, eventType: 'charge.dispute.created', rank: 0 },
  'charge.dispute.funds_withdrawn.2020-03-02.sync-engine.json': { ...INQUIRY, eventType: 'charge.dispute.funds_withdrawn', rank: 2 },
  'charge.refunded.2020-03-02.sync-engine.json': 'its amount is that of all refunds together: each refund object tells its own',
  'charge.succeeded.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'checkout.session.completed.2020-03-02.sync-engine.json': 'the checkout was not for a subscription',
  'credit_note.created.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'credit_note.voided.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'customer.deleted.2020-03-02.sync-engine.json': {
    ...NOTHING,
    processor: 'stripe',
    eventId: 'evt_1IlZRsJDPojXS6LN2AbFmnR4',
    eventType: 'customer.deleted',
    kind: 'closed',
    occurredAt: '2021-04-29T12:58:31.000Z',
    rank: 3,
    customerId: 'cus_IhGfebO16cMIGN'
  },
  'customer.subscription.created.2020-03-02.sync-engine.json': {
    ...NOTHING,
    processor: 'stripe',
    eventId: 'evt_1J02NfJDPojXS6LNawmt1X8q',
    eventType: 'customer.subscription.created',
    kind: 'state',
    occurredAt: '2021-06-08T10:41:58.000Z',
    rank: 0,
    customerId: 'cus_IhGfebO16cMIGN',
    subscriptionId: 'sub_JdIzvfy6o5GZRd',
    status: 'active',
    items: [JUNE, JUNE]
  },
  'customer.subscription.deleted.2020-03-02.sync-engine.json': {
    ...NOTHING,
    processor: 'stripe',
    eventId: 'evt_1J02QdJDPojXS6LNnOJB09Xb',
    eventType: 'customer.subscription.deleted',
    kind: 'state',
    occurredAt: '2021-06-08T10:45:02.000Z',
    rank: 3,
    customerId: 'cus_IhGfebO16cMIGN',
    subscriptionId: 'sub_JdIzvfy6o5GZRd',
    status: 'canceled',
    items: [JUNE]
  },
  'customer.subscription.updated.2020-03-02.sync-engine.json': {
    ...NOTHING,
    processor: 'stripe',
    eventId: 'evt_1IlavxJDPojXS6LNGNOrPWFQ',
    eventType: 'customer.subscription.updated',
    kind: 'state',
    occurredAt: '2021-04-29T14:33:40.000Z',
    rank: 2,
    customerId: 'cus_IhGfebO16cMIGN',
    subscriptionId: 'sub_JLEPMp81LApOJl',
    status: 'active',
    items: [{ priceId: STRIPE_PRICE, periodStart: '2021-04-21T04:45:44.000Z', periodEnd: '2021-05-21T04:45:44.000Z' }]
  },
  'customer.updated.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'entitlements.active_entitlement_summary.updated.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'invoice.deleted.2020-08-27.sync-engine.json': NOT_ACTED_ON,
  'invoice.finalized.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  // The line's period (20 January to 20 February 2022), not the invoice's own (20 December to 20 January).
  'invoice.paid.2020-03-02.sync-engine.json': {
    ...NOTHING,
    processor: 'stripe',
    eventId: 'evt_1KJrGtJDPojXS6LN15fcthM3',
    eventType: 'invoice.paid',
    kind: 'payment',
    occurredAt: '2022-01-20T03:25:11.000Z',
    rank: 1,
    customerId: 'cus_JsuO3bmrj0QlAw',
    subscriptionId: 'sub_JsuPyCPhXWfZar',
    payment: 'paid',
    items: [{ priceId: STRIPE_PRICE, periodStart: '2022-01-20T02:21:20.000Z', periodEnd: '2022-02-20T02:21:20.000Z' }],
    amountMinor: 0,
    currency: 'USD',
    paymentId: 'in_1KJqKBJDPojXS6LNJbvLUgEy'
  },
  'invoice.updated.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'invoice.voided.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'invoice_payment.paid.2023-10-16.sync-engine.json': {
    ...NOTHING,
    processor: 'stripe',
    eventId: 'evt_test_invoice_payment_paid',
    eventType: 'invoice_payment.paid',
    kind: 'link',
    occurredAt: '2022-01-20T03:25:11.000Z',
    rank: 1,
    paymentId: 'in_103Q0w2eZvKYlo2C5PYwf6Wf',
    objectIds: ['pi_103Q0w2eZvKYlo2C364X582Z']
  },
  'payment_intent.payment_failed.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'payment_intent.requires_action.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'payment_intent.succeeded.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'product.updated.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'refund.created.2020-03-02.sync-engine.json': { ...REFUND, eventType: 'refund.created', rank: 0 },
  'refund.failed.2020-03-02.sync-engine.json': { ...REFUND, eventType: 'refund.failed', rank: 2 },
  'refund.updated.2020-03-02.sync-engine.json': { ...REFUND, eventType: 'refund.updated', rank: 2 },
  'subscription_schedule.canceled.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'subscription_schedule.created.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'subscription_schedule.released.2020-03-02.sync-engine.json': NOT_ACTED_ON,
  'subscription_schedule.updated.2020-03-02.sync-engine.json': NOT_ACTED_ON
}

/**
 * STRIPE_OBJECT_OUTCOMES: by title, a file of ../shared/fixtures/stripe/objects (current shapes with generated values,
 * some of them impossible), the event type it is put into, and what comes of it.
 */
export const STRIPE_OBJECT_OUTCOMES: Record<string, [file: string, type: string, outcome: FixtureOutcome]> = {
  // The generated period ends 29 years before it starts.
  'a subscription': [
    'subscription.json',
    'customer.subscription.updated',
    { rejected: 'data.object.items.data.0.current_period_end: expected an end after the start' }
  ],
  // A manual invoice whose only line is a proration: a payment that opens nothing.
  'an invoice': [
    'invoice.json',
    'invoice.paid',
    {
      ...NOTHING,
      processor: 'stripe',
      eventId: 'evt_an_invoice',
      eventType: 'invoice.paid',
      kind: 'payment',
      occurredAt: '2026-01-31T12:00:07.000Z',
      rank: 1,
      customerId: 'cus_QXg1o8vcGmoR32',
      subscriptionId: 'subscription',
      payment: 'paid',
      amountMinor: 0,
      currency: 'USD',
      paymentId: 'in_1Pgc6tB7WZ01zgkWu9fdqL6I'
    }
  ],
  'a dispute': [
    'dispute.json',
    'charge.dispute.updated',
    {
      ...NOTHING,
      processor: 'stripe',
      eventId: 'evt_a_dispute',
      eventType: 'charge.dispute.updated',
      kind: 'dispute',
      occurredAt: '2026-01-31T12:00:07.000Z',
      rank: 2,
      amountMinor: 1000,
      currency: 'USD',
      objectIds: ['ch_1PgafuB7WZ01zgkWXYmPNZs8'],
      reversalId: 'dp_1Pgc71B7WZ01zgkWMevJiAUx',
      reversalStatus: 'pending'
    }
  ],
  'a refund': [
    'refund.json',
    'refund.created',
    {
      ...NOTHING,
      processor: 'stripe',
      eventId: 'evt_a_refund',
      eventType: 'refund.created',
      kind: 'refund',
      occurredAt: '2026-01-31T12:00:07.000Z',
      rank: 0,
      amountMinor: 100,
      currency: 'USD',
      objectIds: ['ch_1PgafuB7WZ01zgkWXYmPNZs8'],
      reversalId: 're_1Pgc72B7WZ01zgkWqPvrRrPE',
      reversalStatus: 'reversed'
    }
  ],
  // It names a payment intent as its type, and no payment intent.
  'an invoice payment': ['invoice_payment.json', 'invoice_payment.paid', 'the invoice was paid outside of Stripe'],
  'a deleted customer': [
    'deleted_customer.json',
    'customer.deleted',
    {
      ...NOTHING,
      processor: 'stripe',
      eventId: 'evt_a_deleted_customer',
      eventType: 'customer.deleted',
      kind: 'closed',
      occurredAt: '2026-01-31T12:00:07.000Z',
      rank: 3,
      customerId: 'cus_QXg1o8vcGmoR32'
    }
  ],
  'a checkout session': ['checkout.session.json', 'checkout.session.completed', 'the checkout was not for a subscription'],
  'an event within an event': ['event.json', 'plan.created', NOT_ACTED_ON],
  'an invoice where a subscription belongs': [
    'invoice.json',
    'customer.subscription.updated',
    {
      rejected:
        'data.object.object: Invalid input: expected "subscription"; data.object.status: Invalid option: expected one of ' +
        '"incomplete"|"incomplete_expired"|"trialing"|"active"|"past_due"|"unpaid"|"paused"|"canceled"'
    }
  ]
}

const PADDLE_PRICES = ['pri_01gsz8x8sawmvhz1pv30nge1ke', 'pri_01h1vjfevh5etwq3rb416a23h2']
const PADDLE_SUBSCRIPTION: Omit<BillingEvent, 'eventId' | 'eventType' | 'occurredAt' | 'rank' | 'status' | 'items'> = {
  ...NOTHING,
  processor: 'paddle',
  kind: 'state',
  customerId: 'ctm_01h7hswb86rtps5ggbq7ybydcw',
  subscriptionId: 'sub_01h7ht5z5wdg9pz18jx1fagp8k'
}

const PADDLE_REFUND: Omit<BillingEvent, 'eventId' | 'eventType' | 'occurredAt' | 'rank'> = {
  ...NOTHING,
  processor: 'paddle',
  kind: 'refund',
  customerId: 'ctm_01h8441jn5pcwrfhwh78jqt8hk',
  subscriptionId: 'sub_01h8bxswamxysj44zt5n48njwh',
  paymentId: 'txn_01h8bxpvx398a7zbawb77y0kp5',
  amountMinor: 100,
  currency: 'USD',
  reversalId: 'adj_01h8c6tbrkpdd7vx61w7b1r0ap'
}

function paddleItems(periodStart: string | null, periodEnd: string | null, prices = PADDLE_PRICES) {
  return prices.map((priceId) => ({ priceId, periodStart, periodEnd }))
}

/** PADDLE_OUTCOMES: by file of ../shared/fixtures/paddle. */
export const PADDLE_OUTCOMES: Record<string, FixtureOutcome> = {
  'adjustment.created.json': {
    ...PADDLE_REFUND,
    eventId: 'evt_01h8c6tc8aa58zqj6h8a13r103',
    eventType: 'adjustment.created',
    occurredAt: '2023-08-21T14:08:43.786457Z',
    rank: 0,
    reversalStatus: 'pending'
  },
  'adjustment.updated.json': {
    ...PADDLE_REFUND,
    eventId: 'evt_01h8c6wz4ac017hxdehrgdvpz4',
    eventType: 'adjustment.updated',
    occurredAt: '2023-08-21T14:10:08.650443Z',
    rank: 2,
    reversalStatus: 'reversed'
  },
  'customer.created.json': NOT_ACTED_ON,
  'customer.updated.json': NOT_ACTED_ON,
  'price.created.json': NOT_ACTED_ON,
  'product.created.json': NOT_ACTED_ON,
  'subscription.activated.json': {
    ...PADDLE_SUBSCRIPTION,
    eventId: 'evt_01h7ht60mmw6d4sf4h38g3t4yq',
    eventType: 'subscription.activated',
    occurredAt: '2023-08-11T08:07:38.388239Z',
    rank: 2,
    status: 'active',
    items: paddleItems('2023-08-11T08:07:35.449123Z', '2023-09-11T08:07:35.449123Z')
  },
  'subscription.canceled.json': {
    ...PADDLE_SUBSCRIPTION,
    eventId: 'evt_01h7jk37p1ezj1k5b4kt83t35j',
    eventType: 'subscription.canceled',
    occurredAt: '2023-08-11T15:23:01.697145Z',
    rank: 3,
    status: 'canceled',
    items: paddleItems(null, null, [...PADDLE_PRICES, 'pri_01gsz95g2zrkagg294kpstx54r'])
  },
  'subscription.created.json': {
    ...PADDLE_SUBSCRIPTION,
    eventId: 'evt_01h7ht60jy5hpdv5x8tfsaxje4',
    eventType: 'subscription.created',
    occurredAt: '2023-08-11T08:07:38.334150Z',
    rank: 0,
    status: 'active',
    // Ten seats of 3240 and an addon of 10800.
    paymentId: 'txn_01h7hst69d7tar4rm6vyeb0j36',
    amountMinor: 43_200,
    currency: 'USD',
    items: paddleItems('2023-08-11T08:07:35.449123Z', '2023-09-11T08:07:35.449123Z')
  },
  'subscription.past_due.json': {
    ...PADDLE_SUBSCRIPTION,
    eventId: 'evt_01h7jagte1wnq80w5bw5gbmrwk',
    eventType: 'subscription.past_due',
    occurredAt: '2023-08-11T12:53:09.697239Z',
    rank: 2,
    status: 'past_due',
    items: paddleItems('2023-10-11T08:07:35.449123Z', '2023-11-11T08:07:35.449123Z')
  },
  'subscription.updated.json': {
    ...PADDLE_SUBSCRIPTION,
    eventId: 'evt_01h7j296f40h99m4dcrr6h4as8',
    eventType: 'subscription.updated',
    occurredAt: '2023-08-11T10:29:11.268117Z',
    rank: 2,
    status: 'active',
    items: paddleItems('2023-09-11T08:07:35.449123Z', '2023-10-11T08:07:35.449123Z')
  },
  'transaction.canceled.json': NOT_ACTED_ON,
  'transaction.completed.json': 'the transaction belongs to no subscription and names no account with a customer',
  'transaction.created.json': NOT_ACTED_ON,
  'transaction.paid.json': NOT_ACTED_ON,
  'transaction.past_due.json': NOT_ACTED_ON
}
