import { afterEach, describe, expect, test } from '@jest/globals'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import type { ProcessorApi } from '../../src/billing/processor.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import { HANDLED_TYPES } from '../../src/billing/processors/stripe/normalise.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer } from '../support/processors/api-server.ts'
import { scenarioOf } from '../support/processors/scenario.ts'
import { CHECKOUT, checkoutWith, SCHEDULE, scheduleWith, stripeAnswering, stripeError, SUBSCRIPTION, subscriptionWith } from '../support/processors/stripe-api.ts'
import type { StripeAnswers } from '../support/processors/stripe-api.ts'

const [subscriptionId, priceId, key] = ['sub_1Parley', 'price_growth_monthly', 'op_1']
const GET = `GET ${SUBSCRIPTION}`
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function stripeWith(answers: StripeAnswers = {}) {
  const server = await startApi(stripeAnswering(answers))
  stops.push(server.stop)
  const { api } = createStripe({ webhookSecrets: [], apiKey: 'sk_test_parley', apiUrl: server.url })
  if (api === null) throw new Error('no API')
  const bodyOf = (line: string) => {
    const request = server.requests.find(({ method, path }) => `${method} ${path}` === line)
    return Object.fromEntries(new URLSearchParams(request?.body ?? ''))
  }
  return { api, bodyOf, lines: () => server.requests.map(({ method, path }) => `${method} ${path}`), requests: server.requests }
}

describe('a Stripe checkout', () => {
  const request = {
    accountId: 'org_parley',
    checkoutId: 'co_1',
    customerId: null,
    priceId,
    trialDays: 0,
    returnUrl: 'https://parley.test/billing?checkout=co_1&session={CHECKOUT_SESSION_ID}',
    cancelUrl: 'https://parley.test/billing',
    expiresAt: '2026-02-02T10:30:00.250Z'
  }

  test('carries the account and Parley’s checkout on itself and on the subscription it makes', async () => {
    const { api, bodyOf } = await stripeWith()
    await expect(api.createCheckout(request, key)).resolves.toEqual({
      id: 'cs_test_1Parley',
      status: 'open',
      url: 'https://checkout.stripe.com/c/pay/cs_test_1Parley',
      subscriptionId: null,
      customerId: null
    })
    expect(bodyOf('POST /v1/checkout/sessions')).toEqual({
      mode: 'subscription',
      'line_items[0][price]': priceId,
      'line_items[0][quantity]': '1',
      client_reference_id: 'org_parley',
      'metadata[account_id]': 'org_parley',
      'metadata[checkout_id]': 'co_1',
      'subscription_data[metadata][account_id]': 'org_parley',
      'subscription_data[metadata][checkout_id]': 'co_1',
      success_url: request.returnUrl,
      cancel_url: request.cancelUrl,
      expires_at: '1770028201'
    })
  })

  test('has the trial and the customer that are given', async () => {
    const { api, bodyOf } = await stripeWith()
    await api.createCheckout({ ...request, trialDays: 14, customerId: 'cus_Parley' }, key)
    expect(bodyOf('POST /v1/checkout/sessions')).toMatchObject({ 'subscription_data[trial_period_days]': '14', customer: 'cus_Parley' })
  })

  test('that is complete stays so when it is to expire, and says it', async () => {
    const { api } = await stripeWith({
      [`POST ${CHECKOUT}/expire`]: stripeError(400, { message: 'Only Checkout Sessions with a status in ["open"] can be expired.' })
    })
    await expect(api.expireCheckout('cs_test_1Parley')).resolves.toMatchObject({ status: 'complete', subscriptionId, customerId: 'cus_Parley' })
  })

  test('that is open and cannot be expired is a refusal', async () => {
    const { api } = await stripeWith({
      [`POST ${CHECKOUT}/expire`]: stripeError(400, { message: 'Not now.' }),
      [`GET ${CHECKOUT}`]: checkoutWith()
    })
    await expect(api.expireCheckout('cs_test_1Parley')).rejects.toMatchObject({ code: 'not_possible', message: 'Stripe refused: Not now.' })
  })
})

describe('a Stripe plan change now', () => {
  const change = (api: ProcessorApi) => api.changePlan({ subscriptionId, priceId, when: 'now' }, key)
  const declined = (error: Record<string, unknown>) => ({ [`POST ${SUBSCRIPTION}`]: stripeError(402, error) })

  test('bills the difference at once, or else changes nothing', async () => {
    const { api, bodyOf } = await stripeWith()
    await change(api)
    expect(bodyOf(`POST ${SUBSCRIPTION}`)).toEqual({
      'items[0][id]': 'si_1Parley',
      'items[0][price]': priceId,
      proration_behavior: 'always_invoice',
      payment_behavior: 'error_if_incomplete'
    })
  })

  test('changes the plan’s item and not a metered one beside it', async () => {
    const metered = { id: 'si_metered', price: { id: 'price_tokens', recurring: { usage_type: 'metered' } } }
    const plan = { id: 'si_plan', price: { id: 'price_starter_monthly', recurring: { usage_type: 'licensed' } } }
    const { api, bodyOf } = await stripeWith({ [GET]: subscriptionWith({ items: { data: [metered, plan] } }) })
    await change(api)
    expect(bodyOf(`POST ${SUBSCRIPTION}`)).toMatchObject({ 'items[0][id]': 'si_plan' })
  })

  test.each([
    [{ code: 'card_declined', decline_code: 'insufficient_funds', message: 'Your card has insufficient funds.' }, 'The payment was declined: Your card has insufficient funds.'],
    [{ code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.' }, 'The payment was declined: Your card was declined.'],
    [{ code: 'card_declined', decline_code: 'card_velocity_exceeded', message: 'Your card was declined.' }, 'The payment was declined: Your card was declined (card velocity exceeded).'],
    [{ code: 'card_declined', decline_code: 'stolen_card', message: 'Your card was declined.' }, 'The payment was declined.'],
    [{ code: 'subscription_payment_intent_requires_action', message: 'Payment for this subscription requires additional user action: pi_1Abc' }, 'The bank asks for a confirmation by the card holder before it pays.']
  ])('that is declined says why: %j', async (error, message) => {
    const { api } = await stripeWith(declined(error))
    await expect(change(api)).rejects.toMatchObject({ name: 'ProcessorRefusal', code: 'declined', message })
  })

  test('without a payment method is declined, although Stripe calls it a missing resource', async () => {
    const message = 'This customer has no attached payment source or default payment method. Please consider adding a default payment method.'
    const { api } = await stripeWith({ [`POST ${SUBSCRIPTION}`]: stripeError(400, { code: 'resource_missing', message }) })
    await expect(change(api)).rejects.toMatchObject({ code: 'declined' })
  })

  test('ends a pending change at the period’s end, but only once it has gone through', async () => {
    const scheduled = { [GET]: subscriptionWith({ schedule: 'sub_sched_1Parley' }) }
    const { api, lines } = await stripeWith(scheduled)
    await change(api)
    expect(lines()).toEqual([GET, `POST ${SUBSCRIPTION}`, `POST ${SCHEDULE}/release`, GET])

    const refused = await stripeWith({ ...scheduled, ...declined({ code: 'card_declined', message: 'Your card was declined.' }) })
    await expect(change(refused.api)).rejects.toMatchObject({ code: 'declined' })
    expect(refused.lines()).toEqual([GET, `POST ${SUBSCRIPTION}`])
  })

  test('is answered with the state afterwards and not with what Stripe kept for the key', async () => {
    const states = ['active', 'past_due']
    const { api } = await stripeWith({
      get [GET]() {
        return subscriptionWith({ status: states.shift() })
      }
    })
    await expect(change(api)).resolves.toMatchObject({ kind: 'state', status: 'past_due' })
  })
})

describe('a Stripe preview', () => {
  const preview = (api: ProcessorApi) => api.previewChange({ subscriptionId, priceId })

  test('is of the change that would be made', async () => {
    const { api, bodyOf } = await stripeWith()
    await expect(preview(api)).resolves.toEqual({ dueNowMinor: 5800, currency: 'USD' })
    expect(bodyOf('POST /v1/invoices/create_preview')).toEqual({
      subscription: subscriptionId,
      'subscription_details[items][0][id]': 'si_1Parley',
      'subscription_details[items][0][price]': priceId,
      'subscription_details[proration_behavior]': 'always_invoice'
    })
  })

  test('tells a credit as a negative amount, and what a credit leaves to pay', async () => {
    const invoice = { id: 'upcoming_in_1', object: 'invoice', currency: 'usd' }
    const credited = await stripeWith({ 'POST /v1/invoices/create_preview': { ...invoice, total: -1900, amount_due: 0 } })
    await expect(preview(credited.api)).resolves.toEqual({ dueNowMinor: -1900, currency: 'USD' })
    const covered = await stripeWith({ 'POST /v1/invoices/create_preview': { ...invoice, total: 5800, amount_due: 800 } })
    await expect(preview(covered.api)).resolves.toEqual({ dueNowMinor: 800, currency: 'USD' })
  })
})

describe('a Stripe plan change at the end of the period', () => {
  const change = (api: ProcessorApi) => api.changePlan({ subscriptionId, priceId, when: 'period_end' }, key)

  test('is a schedule: the running period as it is, then one of the new price, then none', async () => {
    const { api, bodyOf } = await stripeWith()
    await change(api)
    expect(bodyOf('POST /v1/subscription_schedules')).toEqual({ from_subscription: subscriptionId })
    expect(bodyOf(`POST ${SCHEDULE}`)).toEqual({
      end_behavior: 'release',
      proration_behavior: 'none',
      'phases[0][start_date]': '1769853600',
      'phases[0][end_date]': '1772272800',
      'phases[0][items][0][price]': 'price_starter_monthly',
      'phases[0][items][0][quantity]': '1',
      'phases[1][items][0][price]': priceId,
      'phases[1][items][0][quantity]': '1',
      'phases[1][duration][interval]': 'month',
      'phases[1][duration][interval_count]': '1',
      'phases[1][proration_behavior]': 'none'
    })
  })

  test('keeps a trial and a discount of the running period', async () => {
    const phase = { trial_end: 1_771_000_000, discounts: [{ coupon: null, discount: 'di_1', promotion_code: null }] }
    const { api, bodyOf } = await stripeWith({ 'POST /v1/subscription_schedules': scheduleWith(phase) })
    await change(api)
    expect(bodyOf(`POST ${SCHEDULE}`)).toMatchObject({
      'phases[0][trial_end]': '1771000000',
      'phases[0][discounts][0][discount]': 'di_1',
      'phases[1][discounts][0][discount]': 'di_1'
    })
  })

  test('changes the schedule that is there instead of making another', async () => {
    const { api, lines } = await stripeWith({ [GET]: subscriptionWith({ schedule: 'sub_sched_1Parley' }) })
    await change(api)
    expect(lines()).toEqual([GET, `GET /v1/prices/${priceId}`, `GET ${SCHEDULE}`, `POST ${SCHEDULE}`, GET])
  })
})

describe('what is done already asks for no change', () => {
  test.each<[string, Record<string, unknown>, (api: ProcessorApi) => Promise<unknown>]>([
    ['undoing a change where none is pending', {}, (api) => api.undoPlanChange({ subscriptionId }, key)],
    ['canceling what is canceled', { status: 'canceled' }, (api) => api.cancel({ subscriptionId, when: 'now' }, key)],
    ['resuming what goes on', {}, (api) => api.resume({ subscriptionId }, key)],
    ['resuming what is canceled', { status: 'canceled', cancel_at_period_end: true }, (api) => api.resume({ subscriptionId }, key)]
  ])('%s', async (_, changes, run) => {
    const { api, lines } = await stripeWith({ [GET]: subscriptionWith(changes) })
    await run(api)
    expect(lines()).toEqual([GET, GET])
  })
})

test('a cancellation at a set time is taken back by clearing the time', async () => {
  const { api, bodyOf } = await stripeWith({ [GET]: subscriptionWith({ cancel_at: 1_772_000_000 }) })
  await api.resume({ subscriptionId }, key)
  expect(bodyOf(`POST ${SUBSCRIPTION}`)).toEqual({ cancel_at: '' })
})

test('a paused Stripe subscription goes on only when its bill is paid', async () => {
  const { api, bodyOf } = await stripeWith({ [GET]: subscriptionWith({ status: 'paused' }) })
  await api.resume({ subscriptionId }, key)
  expect(bodyOf(`POST ${SUBSCRIPTION}/resume`)).toEqual({
    'billing_cycle_anchor[type]': 'unchanged',
    payment_behavior: 'resume_on_payment_success'
  })
})

test('the portal is the one that setup made, looked up once', async () => {
  const data = [{ id: 'bpc_default', metadata: {} }, { id: 'bpc_parley', metadata: { parley_portal: '1' } }]
  const { api, bodyOf, lines } = await stripeWith({ 'GET /v1/billing_portal/configurations': { object: 'list', data } })
  const request = { customerId: 'cus_Parley', subscriptionId, returnUrl: 'https://parley.test/billing' }
  await expect(api.portal(request)).resolves.toEqual({ url: 'https://billing.stripe.com/p/session/test_1' })
  await api.portal(request)
  expect(bodyOf('POST /v1/billing_portal/sessions')).toEqual({ customer: 'cus_Parley', return_url: request.returnUrl, configuration: 'bpc_parley' })
  expect(lines().filter((line) => line.startsWith('GET '))).toHaveLength(1)
})

describe('the list of Stripe’s events', () => {
  const eventAt = (id: string, created: number) => ({ ...buildEvent('stripe', scenarioOf('stripe', { eventId: id })), created })

  test('covers every type Parley acts on, page by page, each page oldest first', async () => {
    const pages: ApiAnswer[] = [
      { status: 200, body: { object: 'list', data: [eventAt('evt_3', 30), eventAt('evt_2', 20)], has_more: true } },
      { status: 200, body: { object: 'list', data: [eventAt('evt_1', 10)], has_more: false } },
      { status: 200, body: { object: 'list', data: [], has_more: false } }
    ]
    const { api, requests } = await stripeWith({
      get 'GET /v1/events'() {
        return pages.shift() ?? stripeError(400, { message: 'asked too often' })
      }
    })
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<ProcessorApi['listSince']>> = await api.listSince({ since: '2026-01-31T10:00:00.900Z', cursor })
      ids.push(...page.entries.map(({ payload, normalised }) => {
        expect(createStripe({ webhookSecrets: [], apiKey: null }).normalise(payload)).toEqual(normalised)
        return normalised.outcome === 'event' ? normalised.event.eventId : normalised.eventId
      }))
      cursor = page.cursor
    } while (cursor !== null)
    expect(ids).toEqual(['evt_2', 'evt_3', 'evt_1'])
    const asked = requests.map(({ path }) => new URL(path, 'http://stripe.test').searchParams)
    expect(asked.map((query) => [query.get('created[gte]'), query.get('starting_after')])).toEqual([
      ['1769853600', null],
      ['1769853600', 'evt_2'],
      ['1769853600', null]
    ])
    const types = asked.map((query) => [...query].filter(([name]) => name.startsWith('types')).map(([, type]) => type))
    expect(types.every((some) => some.length > 0 && some.length <= 20)).toBe(true)
    expect([...new Set(types.flat())].sort()).toEqual([...HANDLED_TYPES].sort())
  })
})

test('a state is as of before it was asked for: what changes meanwhile is newer', async () => {
  let nowMs = Date.UTC(2026, 1, 2)
  const server = await startApi((request) => {
    nowMs += 5_000
    return stripeAnswering()(request)
  })
  stops.push(server.stop)
  const { api } = createStripe({ webhookSecrets: [], apiKey: 'sk_test_parley', apiUrl: server.url, nowMs: () => nowMs })
  await expect(api?.fetchSubscription(subscriptionId)).resolves.toMatchObject({ occurredAt: '2026-02-02T00:00:00.000Z' })
  await expect(api?.pause({ subscriptionId }, key)).resolves.toMatchObject({ occurredAt: '2026-02-02T00:00:15.000Z' })
})

test.each([
  [401, 'Invalid API Key provided: sk_test_****rley'],
  [403, 'The provided key rk_test_****rley does not have the required permissions']
])('a key that Stripe does not accept (%i) is unknown, because a refusal would be final, and is not repeated', async (status, message) => {
  const { api } = await stripeWith({ [GET]: stripeError(status, { message }) })
  const failure = await api.pause({ subscriptionId }, key).then(() => 'done', (thrown: unknown) => thrown)
  expect(failure).toBeInstanceOf(AnswerUnknown)
  expect(failure).toMatchObject({ message: expect.not.stringContaining('k_test') })
})

test('a key that was used for something else leaves it unknown what the first use did', async () => {
  const error = { type: 'idempotency_error', message: 'Keys for idempotent requests can only be used with the same parameters.' }
  const { api } = await stripeWith({ [`POST ${SUBSCRIPTION}`]: { status: 400, body: { error } } })
  await expect(api.changePlan({ subscriptionId, priceId, when: 'now' }, key)).rejects.toBeInstanceOf(AnswerUnknown)
})
