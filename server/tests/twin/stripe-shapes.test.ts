import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type Stripe from 'stripe'
import { z } from 'zod'
import { idOf, passTo, startStripeTwin, subscribe } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'
import { differences, HAS_SAMPLES, sample, sdkFields } from './support/stripe-samples.ts'

const eventSchema = z.looseObject({ type: z.string(), data: z.looseObject({ object: z.looseObject({ object: z.string() }) }) })

/** Which sample, and which type of the SDK, is about an object, by its field `object`. */
const KNOWN: Record<string, [sample: string | null, file: string, type: string]> = {
  subscription: ['subscription', 'Subscriptions', 'Subscription'],
  subscription_item: ['subscription_item', 'SubscriptionItems', 'SubscriptionItem'],
  invoice: ['invoice', 'Invoices', 'Invoice'],
  line_item: ['line_item', 'InvoiceLineItems', 'InvoiceLineItem'],
  invoice_payment: ['invoice_payment', 'InvoicePayments', 'InvoicePayment'],
  customer: ['customer', 'Customers', 'Customer'],
  deleted_customer: ['deleted_customer', 'Customers', 'DeletedCustomer'],
  price: ['price', 'Prices', 'Price'],
  plan: [null, 'Plans', 'Plan'],
  product: [null, 'Products', 'Product'],
  'checkout.session': ['checkout.session', 'Checkout/Sessions', 'Session'],
  subscription_schedule: ['subscription_schedule', 'SubscriptionSchedules', 'SubscriptionSchedule'],
  refund: ['refund', 'Refunds', 'Refund'],
  dispute: ['dispute', 'Disputes', 'Dispute'],
  charge: ['charge', 'Charges', 'Charge'],
  payment_intent: ['payment_intent', 'PaymentIntents', 'PaymentIntent'],
  webhook_endpoint: ['webhook_endpoint', 'WebhookEndpoints', 'WebhookEndpoint'],
  event: ['event', 'Events', 'EventBase'],
  'billing_portal.session': [null, 'BillingPortal/Sessions', 'Session'],
  'billing_portal.configuration': [null, 'BillingPortal/Configurations', 'Configuration'],
  item: [null, 'LineItems', 'LineItem']
}

/** A field of the sample that the SDK of this version does not know any more: the samples are older there. */
const GONE: Record<string, string[]> = { invoice: ['subscription: missing'] }

const seen = new Map<string, Record<string, unknown>[]>()
let twin: StripeTwin

/** keep notes each object inside an answer by what it is. */
function keep(value: unknown): void {
  if (Array.isArray(value)) for (const one of value) keep(one)
  else if (typeof value === 'object' && value !== null) {
    const kind = 'object' in value && typeof value.object === 'string' ? value.object : ''
    const name = 'deleted' in value ? 'deleted_customer' : kind
    if (name !== '' && name !== 'list') seen.set(name, [...(seen.get(name) ?? []), { ...value }])
    for (const one of Object.values(value)) keep(one)
  }
}

beforeAll(async () => {
  twin = await startStripeTwin()
  const { stripe, dialect, world } = twin
  const id = await subscribe(twin, { price: 'price_growth_monthly' })
  const failing = await subscribe(twin, { card: 'declined_later', trialDays: 5 })
  const paused = await subscribe(twin)
  const subscription = await stripe.subscriptions.retrieve(id)
  const customer = idOf(subscription.customer)
  const item = subscription.items.data[0]?.id ?? ''
  await stripe.subscriptions.update(id, {
    items: [{ id: item, price: 'price_enterprise_monthly' }],
    proration_behavior: 'always_invoice'
  })
  keep(
    await stripe.invoices.createPreview({
      subscription: id,
      subscription_details: { items: [{ id: item, price: 'price_growth_monthly' }] }
    })
  )
  keep(await stripe.subscriptionSchedules.create({ from_subscription: id }))
  await stripe.subscriptions.pause(paused)
  await stripe.subscriptions.update(paused, { metadata: { more: '1' } })
  keep(await stripe.webhookEndpoints.create({ url: 'https://parley.test/', enabled_events: ['*'] }))
  keep(await stripe.billingPortal.sessions.create({ customer }))
  keep(await stripe.billingPortal.configurations.list())
  keep(await stripe.prices.list())
  keep(await stripe.products.list())
  passTo(twin, world.nowMs() + 35 * 86_400_000)
  dialect.control.refund(id, 100)
  dialect.control.closeDispute(dialect.control.dispute(id), 'won')
  keep(await stripe.checkout.sessions.list({ expand: ['data.line_items'] }))
  keep(await stripe.subscriptions.retrieve(failing, { expand: ['latest_invoice.payments', 'customer'] }))
  const open = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: 'price_growth_monthly' }],
    success_url: 'http://parley.test/',
    customer
  })
  keep(await stripe.checkout.sessions.expire(open.id))
  keep(await stripe.customers.del(customer))
  // JSON as it went over the wire: the SDK turns decimals into objects of its own.
  seen.clear()
  for (const { body } of world.sent) keep(JSON.parse(body))
  const paths = [
    '/v1/webhook_endpoints',
    '/v1/billing_portal/configurations',
    '/v1/prices',
    '/v1/products',
    `/v1/customers/${customer}`,
    '/v1/subscriptions?status=all&expand[]=data.latest_invoice.payments',
    '/v1/checkout/sessions?expand[]=data.line_items',
    '/v1/subscription_schedules',
    '/v1/refunds',
    '/v1/disputes',
    '/v1/charges'
  ]
  const headers = { authorization: 'Bearer sk_test_twin' }
  for (const path of paths) keep(await (await fetch(twin.origin + path, { headers })).json())
  const made = await fetch(`${twin.origin}/v1/billing_portal/sessions`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ customer: await liveCustomer(stripe) })
  })
  keep(await made.json())
})
afterAll(() => twin.close())

async function liveCustomer(stripe: Stripe): Promise<string> {
  return (await stripe.customers.list()).data[0]?.id ?? ''
}

test('every kind of object that is answered is held against a type, and every kind that is known was seen', () => {
  const nested = new Set(['balance_transaction'])
  expect([...seen.keys()].filter((kind) => !nested.has(kind)).sort()).toEqual(Object.keys(KNOWN).sort())
})

describe.each(Object.entries(KNOWN))('%s', (kind, [name, file, type]) => {
  test('has no field that the types of the SDK do not know', () => {
    const fields = sdkFields(file, type)
    expect(fields.size).toBeGreaterThan(2)
    const official = name !== null && HAS_SAMPLES ? Object.keys(z.looseObject({}).parse(sample(name))) : []
    const known = new Set([...fields, ...official])
    const unknown = new Set((seen.get(kind) ?? []).flatMap((one) => Object.keys(one)).filter((field) => !known.has(field)))
    expect([...unknown]).toEqual([])
  })

  if (name !== null && HAS_SAMPLES) {
    test('has every field of the official sample, of its JSON type', () => {
      const found = new Set((seen.get(kind) ?? []).flatMap((one) => differences(sample(name), one)))
      expect([...found]).toEqual(GONE[kind] ?? [])
    })
  }
})

if (!HAS_SAMPLES)
  console.log('The official Stripe samples (../shared/fixtures) are absent: the shapes were only held against the SDK.')

test('in the older shape periods are on the subscription, and invoices name it and their prices', async () => {
  const older = await startStripeTwin(undefined, { payloadShape: '2024' })
  const id = await subscribe(older)
  passTo(older, Date.UTC(2026, 1, 28, 12))
  const events = older.world.parsed().map((event) => eventSchema.parse(event))
  const last = (type: string) => events.findLast((event) => event.type === type)
  expect(last('customer.subscription.updated')).toMatchObject({
    api_version: '2024-06-20',
    data: {
      object: {
        id,
        current_period_start: Date.UTC(2026, 1, 28, 10) / 1000,
        current_period_end: Date.UTC(2026, 2, 31, 10) / 1000
      },
      previous_attributes: { current_period_start: Date.UTC(2026, 0, 31, 10) / 1000 }
    }
  })
  expect(last('invoice.paid')?.data.object).toMatchObject({
    subscription: id,
    paid: true,
    payment_intent: expect.stringMatching(/^pi_/),
    charge: expect.stringMatching(/^ch_/),
    lines: { data: [{ type: 'subscription', proration: false, price: { id: 'price_starter_monthly' } }] }
  })
  const texts = JSON.stringify(events)
  for (const field of ['"parent"', '"pricing"', '"billing_mode"']) expect(texts).not.toContain(field)
  expect(JSON.stringify(await older.stripe.subscriptions.retrieve(id))).toContain('"billing_mode"')
  older.dialect.payloadShape = 'current'
  older.world.take()
  older.dialect.control.cancel(id, 'now')
  expect(older.world.sent[0]?.body).toContain('"api_version":"2026-10-28.endive"')
  await older.close()
})
