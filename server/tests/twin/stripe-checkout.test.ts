import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type Stripe from 'stripe'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { idOf, startStripeTwin, subscribe, typesOf } from './support/stripe-twin.ts'
import type { StripeTwin } from './support/stripe-twin.ts'

let twin: StripeTwin
beforeEach(async () => {
  twin = await startStripeTwin()
})
afterEach(() => twin.close())

function openCheckout(more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return twin.stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: 'price_growth_monthly', quantity: 1 }],
    success_url: 'http://parley.test/return?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://parley.test/plans',
    ...more
  })
}

function submit(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' })
}

describe('a checkout', () => {
  test('that is paid makes a customer and an active, paid subscription, and tells of all of it', async () => {
    const id = await subscribe(twin)
    expect(typesOf(twin.world)).toEqual(
      expect.arrayContaining([
        'customer.created',
        'customer.subscription.created',
        'invoice.created',
        'invoice.finalized',
        'charge.succeeded',
        'payment_intent.succeeded',
        'invoice.paid',
        'invoice_payment.paid',
        'customer.subscription.updated',
        'checkout.session.completed'
      ])
    )
    const subscription = await twin.stripe.subscriptions.retrieve(id, { expand: ['latest_invoice.payments', 'customer'] })
    expect(subscription).toMatchObject({
      status: 'active',
      metadata: { account_id: 'org_1' },
      customer: { object: 'customer', email: 'buyer@example.com' },
      latest_invoice: {
        status: 'paid',
        amount_paid: 1900,
        billing_reason: 'subscription_create',
        payments: { data: [{ status: 'paid' }] }
      }
    })
    expect(subscription.items.data[0]).toMatchObject({
      current_period_start: Date.UTC(2026, 0, 31, 10) / 1000,
      current_period_end: Date.UTC(2026, 1, 28, 10) / 1000
    })
  })

  test('speaks so that the Stripe processor of the server verifies and understands each webhook', async () => {
    await subscribe(twin)
    const processor = createStripe({ webhookSecrets: ['whsec_twin'], apiKey: null })
    const outcomes = twin.world.take().map(({ body, eventId }) => {
      const nowMs = Date.UTC(2030, 0, 1)
      const headers = twin.dialect.requestHeaders({ body, eventId, secret: 'whsec_twin', nowMs })
      expect(processor.verify({ rawBody: Buffer.from(body), headers, nowMs })).toEqual({ valid: true })
      return processor.normalise(body).outcome
    })
    expect(outcomes).toContain('event')
    expect(outcomes).not.toContain('rejected')
  })

  test('with a declined card stays open, says why on its page, and can still be paid', async () => {
    const session = await openCheckout()
    const page = await submit(session.url ?? '', { card: '4000000000000002' })
    expect([page.status, await page.text()]).toEqual([402, expect.stringContaining('Your card was declined')])
    expect(await twin.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      status: 'open',
      subscription: null,
      payment_status: 'unpaid'
    })
    const paid = await submit(session.url ?? '', { card: '4242424242424242', email: 'ada@example.com' })
    expect([paid.status, paid.headers.get('location')]).toEqual([303, `http://parley.test/return?session=${session.id}`])
    const done = await twin.stripe.checkout.sessions.retrieve(session.id)
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      customer_details: { email: 'ada@example.com' }
    })
  })

  test('page escapes what it shows, names the plan and its price, and says that no money is real', async () => {
    await twin.stripe.products.update('prod_growth', { name: '<script>alert(1)</script>' })
    const session = await openCheckout({ customer_email: '"><b>@example.com' })
    const text = await (await fetch(session.url ?? '')).text()
    expect(text).not.toMatch(/<script|<b>/)
    expect(text).toContain('&#60;script&#62;')
    expect(text).toContain('$79.00 per month')
    expect(text).toContain('no real money')
    expect(text).not.toMatch(/(src|href|action)="https?:\/\/(?!parley\.test)/)
  })

  test('that was expired, by request or by time, cannot be paid', async () => {
    const first = await openCheckout()
    await twin.stripe.checkout.sessions.expire(first.id)
    const second = await openCheckout({ expires_at: twin.world.nowMs() / 1000 + 3600 })
    twin.world.take()
    twin.world.advance(3_600_000)
    twin.dialect.runDue()
    expect(typesOf(twin.world)).toEqual(['checkout.session.expired'])
    for (const { id } of [first, second]) {
      expect((await twin.stripe.checkout.sessions.retrieve(id)).status).toBe('expired')
      expect(() => twin.dialect.control.pay(id, 'good')).toThrow('is expired')
      expect(await (await fetch(`${twin.origin}/checkout/${id}`)).text()).toContain('has expired')
    }
    await expect(twin.stripe.checkout.sessions.expire(first.id)).rejects.toMatchObject({ statusCode: 400 })
  })

  test('is paid once: its page says so afterwards', async () => {
    const session = await openCheckout()
    await submit(session.url ?? '', { card: '4242424242424242' })
    const again = await submit(session.url ?? '', { card: '4242424242424242' })
    expect(await again.text()).toContain('Already paid')
    expect((await twin.stripe.subscriptions.list()).data).toHaveLength(1)
  })

  test('of a customer who was deleted meanwhile cannot be paid, and does not break its page', async () => {
    const customer = await twin.stripe.customers.create({})
    const session = await openCheckout({ customer: customer.id })
    await twin.stripe.customers.del(customer.id)
    const page = await submit(session.url ?? '', { card: '4242424242424242' })
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('account was closed')])
    expect(() => twin.dialect.control.pay(session.id, 'good')).toThrow('No such customer')
  })

  test('with a trial takes nothing today', async () => {
    const id = await subscribe(twin, { trialDays: 14 })
    const subscription = await twin.stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] })
    expect(subscription).toMatchObject({
      status: 'trialing',
      trial_end: Date.UTC(2026, 1, 14, 10) / 1000,
      latest_invoice: { amount_paid: 0, status: 'paid' }
    })
    expect(typesOf(twin.world)).not.toContain('charge.succeeded')
  })
})

describe('the portal page', () => {
  test('plans the end of the subscription, takes it back, and changes the card', async () => {
    const id = await subscribe(twin)
    const { customer } = await twin.stripe.subscriptions.retrieve(id)
    const session = await twin.stripe.billingPortal.sessions.create({
      customer: idOf(customer),
      return_url: 'http://parley.test/billing'
    })
    const page = await (await fetch(session.url)).text()
    expect(page).toContain('http://parley.test/billing')
    expect(page).toContain('$19.00')
    await submit(session.url, { action: 'cancel', subscription: id })
    expect((await twin.stripe.subscriptions.retrieve(id)).cancel_at_period_end).toBe(true)
    await submit(session.url, { action: 'keep', subscription: id })
    expect((await twin.stripe.subscriptions.retrieve(id)).cancel_at_period_end).toBe(false)
    await submit(session.url, { action: 'card', card: '4000000000000341' })
    expect(await (await fetch(session.url)).text()).toContain('Card ending in 0341')
  })

  test('never acts on the subscription of another customer', async () => {
    const own = await subscribe(twin)
    const other = await subscribe(twin)
    const { customer } = await twin.stripe.subscriptions.retrieve(own)
    const session = await twin.stripe.billingPortal.sessions.create({ customer: idOf(customer) })
    await submit(session.url, { action: 'cancel', subscription: other })
    expect((await twin.stripe.subscriptions.retrieve(other)).cancel_at_period_end).toBe(false)
  })
})
