import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { AnswerUnknown, ProcessorRefusal } from '../../src/billing/processor.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer, ApiRequest } from '../support/processors/api-server.ts'
import { listOf, planOf, razorpayAnswering, razorpayError, SUBSCRIPTION } from '../support/razorpay-api.ts'
import { at, subscriptionEntity, unpaidEntity } from '../support/razorpay-payloads.ts'

const NOW = Date.UTC(2026, 1, 2, 9, 30, 0, 250)
/** Razorpay's own clock has whole seconds: finer, an event of the same second would look older than the answer. */
const TOLD_AT = '2026-02-02T09:30:00.000Z'
const ID = 'sub_Parley00000001'
const GET = `GET ${SUBSCRIPTION}`
const CHECKOUT = {
  accountId: 'org_parley',
  checkoutId: 'co_1',
  customerId: null,
  priceId: 'plan_starter_monthly',
  trialDays: 0,
  returnUrl: 'https://parley.test/billing',
  cancelUrl: 'https://parley.test/billing',
  expiresAt: '2026-02-02T10:30:00Z'
}
const OPEN = { id: ID, status: 'open', url: 'https://rzp.io/i/parley', subscriptionId: null, customerId: null }
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

type Answers = NonNullable<Parameters<typeof razorpayAnswering>[0]>

async function razorpayWith(answers: Answers | ((request: ApiRequest) => ApiAnswer) = {}, timeoutMs = 5_000) {
  const server = await startApi(typeof answers === 'function' ? answers : razorpayAnswering(answers))
  stops.push(server.stop)
  const key = { keyId: 'rzp_test_parley', keySecret: 'secret' }
  const { api } = createRazorpay({ webhookSecrets: [], ...key, apiUrl: server.url, timeoutMs, nowMs: () => NOW })
  if (api === null) throw new Error('there is no API')
  const lines = () => server.requests.map(({ method, path }) => `${method} ${path.split('?')[0]}`)
  const bodyOf = (line: string): unknown => JSON.parse(server.requests[lines().indexOf(line)]?.body || 'null')
  return { api, requests: server.requests, lines, bodyOf }
}

describe('a Razorpay checkout', () => {
  test('is a subscription that waits for its first payment until the checkout expires', async () => {
    const { api, bodyOf, requests } = await razorpayWith({ 'POST /v1/subscriptions': unpaidEntity() })
    await expect(api.createCheckout(CHECKOUT, 'op_1')).resolves.toEqual(OPEN)
    expect(bodyOf('POST /v1/subscriptions')).toEqual({
      plan_id: 'plan_starter_monthly',
      total_count: 120,
      quantity: 1,
      customer_notify: true,
      expire_by: at('2026-02-02T10:30:00Z'),
      notes: { account_id: 'org_parley', checkout_id: 'co_1', operation_id: 'op_1', return_url: 'https://parley.test/billing' }
    })
    const basic = Buffer.from('rzp_test_parley:secret').toString('base64')
    for (const { headers } of requests) expect(headers.authorization).toBe(`Basic ${basic}`)
  })

  test('for a year is for ten of them, and with trial days starts after them', async () => {
    const { api, bodyOf } = await razorpayWith({ 'POST /v1/subscriptions': unpaidEntity() })
    await api.createCheckout({ ...CHECKOUT, priceId: 'plan_growth_yearly', trialDays: 14 }, 'op_1')
    expect(bodyOf('POST /v1/subscriptions')).toMatchObject({ total_count: 10, start_at: at('2026-02-16T09:30:00Z') })
  })

  test('for a plan of another rhythm is refused before anything is made', async () => {
    const { api, lines } = await razorpayWith({ 'GET /v1/plans/plan_starter_monthly': planOf('plan_starter_monthly', 'weekly') })
    await expect(api.createCheckout(CHECKOUT, 'op_1')).rejects.toMatchObject({ code: 'invalid' })
    expect(lines()).not.toContain('POST /v1/subscriptions')
  })

  test('whose answer got lost is found by its key when it is repeated, and is made only once', async () => {
    const made: Record<string, unknown>[] = []
    const answering = razorpayAnswering()
    const { api, lines, requests } = await razorpayWith((request) => {
      if (request.method === 'GET' && request.path.startsWith('/v1/subscriptions?')) return { status: 200, body: listOf(made) }
      if (request.method !== 'POST') return answering(request)
      made.unshift(unpaidEntity({ notes: (JSON.parse(request.body) as { notes: object }).notes }))
      return 'lost'
    })
    await expect(api.createCheckout(CHECKOUT, 'op_1')).rejects.toThrow(AnswerUnknown)
    await expect(api.createCheckout(CHECKOUT, 'op_1')).resolves.toEqual(OPEN)
    expect(lines().filter((line) => line === 'POST /v1/subscriptions')).toHaveLength(1)
    const asked = new URL(requests[0]?.path ?? '', 'http://razorpay').searchParams
    expect(Object.fromEntries(asked)).toEqual({
      plan_id: 'plan_starter_monthly',
      from: String(at('2026-02-02T08:30:00Z')),
      count: '100',
      skip: '0'
    })
    // Another key is another checkout.
    await expect(api.createCheckout(CHECKOUT, 'op_2')).rejects.toThrow(AnswerUnknown)
    expect(made).toHaveLength(2)
  })

  test('is found by its key behind a page of others', async () => {
    const others = Array.from({ length: 100 }, (_, place) => unpaidEntity({ id: `sub_${place}`, notes: [] }))
    const { api, lines } = await razorpayWith((request) => {
      const isSecond = request.path.includes('skip=100')
      return { status: 200, body: listOf(isSecond ? [unpaidEntity()] : others) }
    })
    await expect(api.createCheckout(CHECKOUT, 'op_1')).resolves.toEqual(OPEN)
    expect(lines()).toEqual(['GET /v1/subscriptions', 'GET /v1/subscriptions'])
  })

  test('is open while its subscription was only created', async () => {
    const { api } = await razorpayWith({ [GET]: unpaidEntity() })
    await expect(api.fetchCheckout(ID)).resolves.toEqual(OPEN)
  })

  test.each(['expired', 'cancelled'])('is expired when its subscription is %s without a customer', async (status) => {
    const { api, lines } = await razorpayWith({ [GET]: unpaidEntity({ status }) })
    const expired = { ...OPEN, status: 'expired', url: null }
    await expect(api.fetchCheckout(ID)).resolves.toEqual(expired)
    await expect(api.expireCheckout(ID)).resolves.toEqual(expired)
    expect(lines()).toEqual([GET, GET])
  })

  test.each(['authenticated', 'active', 'pending', 'halted', 'paused', 'completed', 'cancelled'])(
    'is complete when its subscription is %s by a customer, and is not canceled then',
    async (status) => {
      const { api, lines } = await razorpayWith({ [GET]: subscriptionEntity({ status }) })
      const complete = { ...OPEN, status: 'complete', url: null, subscriptionId: ID, customerId: 'cust_Parley0000001' }
      await expect(api.fetchCheckout(ID)).resolves.toEqual(complete)
      await expect(api.expireCheckout(ID)).resolves.toEqual(complete)
      expect(lines()).toEqual([GET, GET])
    }
  )

  test('that is open is expired by canceling its subscription', async () => {
    const canceled = unpaidEntity({ status: 'cancelled' })
    const { api, bodyOf } = await razorpayWith({ [GET]: unpaidEntity(), [`POST ${SUBSCRIPTION}/cancel`]: canceled })
    await expect(api.expireCheckout(ID)).resolves.toEqual({ ...OPEN, status: 'expired', url: null })
    expect(bodyOf(`POST ${SUBSCRIPTION}/cancel`)).toBeNull()
  })

  test('that expired by itself meanwhile is looked at again', async () => {
    const states = [unpaidEntity(), unpaidEntity({ status: 'expired' })]
    const answering = razorpayAnswering({
      [`POST ${SUBSCRIPTION}/cancel`]: razorpayError('Subscription is not cancellable in expired status.', { field: 'status' })
    })
    const { api } = await razorpayWith((request) =>
      request.method === 'GET' ? { status: 200, body: states.shift() } : answering(request)
    )
    await expect(api.expireCheckout(ID)).resolves.toMatchObject({ status: 'expired' })
  })
})

describe('a change of plan at Razorpay', () => {
  const change = { subscriptionId: ID, priceId: 'plan_growth_monthly' }

  test('has no preview', async () => {
    const { api, requests } = await razorpayWith()
    await expect(api.previewChange(change)).resolves.toBeNull()
    expect(requests).toEqual([])
  })

  test('now asks for the plan, with ten years of charges to come', async () => {
    const { api, bodyOf } = await razorpayWith()
    await api.changePlan({ subscriptionId: ID, priceId: 'plan_growth_yearly', when: 'now' }, 'op_2')
    expect(bodyOf(`PATCH ${SUBSCRIPTION}`)).toEqual({
      plan_id: 'plan_growth_yearly',
      remaining_count: 10,
      schedule_change_at: 'now',
      customer_notify: true
    })
  })

  test('now that has been made is not made again', async () => {
    const { api, lines } = await razorpayWith({ [GET]: subscriptionEntity({ plan_id: 'plan_growth_monthly' }) })
    const state = await api.changePlan({ ...change, when: 'now' }, 'op_2')
    expect(state).toMatchObject({ items: [{ priceId: 'plan_growth_monthly' }], occurredAt: TOLD_AT })
    expect(lines()).toEqual([GET, GET])
  })

  test('at the end of the period tells the plan of today, whatever the answer to it shows', async () => {
    const { api, bodyOf } = await razorpayWith()
    const state = await api.changePlan({ ...change, when: 'period_end' }, 'op_2')
    expect(bodyOf(`PATCH ${SUBSCRIPTION}`)).toMatchObject({ schedule_change_at: 'cycle_end' })
    expect(state).toMatchObject({ items: [{ priceId: 'plan_starter_monthly' }] })
  })

  test('at the end of the period that is planned already is left alone; another one makes way', async () => {
    const planned = { [GET]: subscriptionEntity({ has_scheduled_changes: true }) }
    const same = await razorpayWith(planned)
    await same.api.changePlan({ ...change, when: 'period_end' }, 'op_2')
    expect(same.lines()).not.toContain(`PATCH ${SUBSCRIPTION}`)
    const other = await razorpayWith(planned)
    await other.api.changePlan({ ...change, priceId: 'plan_growth_yearly', when: 'period_end' }, 'op_3')
    expect(other.lines().filter((line) => !line.startsWith('GET'))).toEqual([
      `POST ${SUBSCRIPTION}/cancel_scheduled_changes`,
      `PATCH ${SUBSCRIPTION}`
    ])
  })

  test('is taken back where one is planned, and nothing is sent where none is', async () => {
    const planned = await razorpayWith({ [GET]: subscriptionEntity({ has_scheduled_changes: true }) })
    await planned.api.undoPlanChange({ subscriptionId: ID }, 'op_2')
    expect(planned.lines()).toContain(`POST ${SUBSCRIPTION}/cancel_scheduled_changes`)
    const none = await razorpayWith()
    await expect(none.api.undoPlanChange({ subscriptionId: ID }, 'op_2')).resolves.toMatchObject({ status: 'active' })
    expect(none.lines()).toEqual([GET, GET])
  })
})

describe('the end and the pause of a Razorpay subscription', () => {
  test('an end now is told at once, and asked for once', async () => {
    const { api, bodyOf } = await razorpayWith()
    await expect(api.cancel({ subscriptionId: ID, when: 'now' }, 'op_3')).resolves.toMatchObject({ status: 'canceled' })
    expect(bodyOf(`POST ${SUBSCRIPTION}/cancel`)).toBeNull()
    const ended = await razorpayWith({ [GET]: subscriptionEntity({ status: 'cancelled' }) })
    await expect(ended.api.cancel({ subscriptionId: ID, when: 'now' }, 'op_3')).resolves.toMatchObject({ status: 'canceled' })
    expect(ended.lines()).not.toContain(`POST ${SUBSCRIPTION}/cancel`)
  })

  test('an end with the period is told by the answer to it, and by nothing later', async () => {
    const { api, bodyOf } = await razorpayWith({ [`POST ${SUBSCRIPTION}/cancel`]: subscriptionEntity() })
    const state = await api.cancel({ subscriptionId: ID, when: 'period_end' }, 'op_3')
    expect(bodyOf(`POST ${SUBSCRIPTION}/cancel`)).toEqual({ cancel_at_cycle_end: 1 })
    expect(state).toMatchObject({ status: 'active', cancelsAt: '2026-02-27T18:30:00.000Z', occurredAt: TOLD_AT })
    await expect(api.fetchSubscription(ID)).resolves.toMatchObject({ status: 'active', cancelsAt: null })
  })

  test.each(['created', 'authenticated', 'pending', 'halted', 'paused'])(
    'an end with the period is refused for one that is %s, where Razorpay would not do it',
    async (status) => {
      const { api, lines } = await razorpayWith({ [GET]: subscriptionEntity({ status }) })
      const canceling = api.cancel({ subscriptionId: ID, when: 'period_end' }, 'op_3')
      await expect(canceling).rejects.toMatchObject({ name: 'ProcessorRefusal', code: 'not_possible' })
      expect(lines()).toEqual([GET])
    }
  )

  test('only an active one is paused: asked to pause a trial, Razorpay would cancel it', async () => {
    const active = await razorpayWith()
    await active.api.pause({ subscriptionId: ID }, 'op_4')
    expect(active.bodyOf(`POST ${SUBSCRIPTION}/pause`)).toEqual({ pause_at: 'now' })
    for (const status of ['created', 'authenticated', 'pending', 'halted', 'cancelled']) {
      const { api, lines } = await razorpayWith({ [GET]: subscriptionEntity({ status }) })
      await expect(api.pause({ subscriptionId: ID }, 'op_4')).rejects.toMatchObject({ code: 'not_possible' })
      expect(lines()).toEqual([GET])
    }
    const paused = await razorpayWith({ [GET]: subscriptionEntity({ status: 'paused' }) })
    await expect(paused.api.pause({ subscriptionId: ID }, 'op_4')).resolves.toMatchObject({ status: 'paused' })
    expect(paused.lines()).toEqual([GET, GET])
  })

  test('a paused one starts again; an active one has nothing to take back; what halted or ended does not start', async () => {
    const paused = await razorpayWith({ [GET]: subscriptionEntity({ status: 'paused' }) })
    await paused.api.resume({ subscriptionId: ID }, 'op_5')
    expect(paused.bodyOf(`POST ${SUBSCRIPTION}/resume`)).toEqual({ resume_at: 'now' })
    const active = await razorpayWith()
    await expect(active.api.resume({ subscriptionId: ID }, 'op_5')).resolves.toMatchObject({ status: 'active' })
    expect(active.lines()).toEqual([GET, GET])
    for (const status of ['halted', 'cancelled', 'completed', 'expired']) {
      const { api } = await razorpayWith({ [GET]: subscriptionEntity({ status }) })
      await expect(api.resume({ subscriptionId: ID }, 'op_5')).rejects.toMatchObject({ code: 'not_possible' })
    }
  })

  test('the page to pay and change the card on is the subscription’s own, as long as it lives', async () => {
    const asking = { customerId: 'cust_Parley0000001', subscriptionId: ID, returnUrl: 'https://parley.test' }
    const { api } = await razorpayWith({ [GET]: subscriptionEntity({ status: 'halted' }) })
    await expect(api.portal(asking)).resolves.toEqual({ url: 'https://rzp.io/i/parley' })
    await expect(api.portal({ ...asking, subscriptionId: null })).rejects.toMatchObject({ code: 'not_possible' })
    for (const changes of [{ status: 'cancelled' }, { short_url: null }]) {
      const gone = await razorpayWith({ [GET]: subscriptionEntity(changes) })
      await expect(gone.api.portal(asking)).rejects.toMatchObject({ code: 'not_possible' })
    }
  })
})

describe('a Razorpay answer that is no success', () => {
  test.each([
    ['a declined payment', razorpayError('The payment of the difference failed', { reason: 'payment_failed' }), 'declined'],
    ['a bank that says no', razorpayError('Refused by the bank', { code: 'GATEWAY_ERROR' }), 'declined'],
    ['an unknown id', razorpayError('The id provided does not exist', { reason: 'input_validation_failed' }), 'not_found'],
    ['a wrong state', razorpayError("Can't update subscription when subscription is not in Active state"), 'not_possible'],
    ['another operation', razorpayError('Request failed because another operation is in progress'), 'busy'],
    ['a bad value', razorpayError('start_at cannot be lesser than the current time.', { field: 'start_at' }), 'invalid'],
    ['a check by the bank that failed', razorpayError('Payment failed because authentication failed'), 'declined'],
    ['a payment by UPI', razorpayError('subscriptions cannot be updated when payment mode is UPI'), 'not_possible']
  ])('%s is a refusal', async (_, answer, code) => {
    const { api } = await razorpayWith(() => answer)
    const failure = await api.fetchSubscription(ID).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProcessorRefusal)
    expect(failure).toMatchObject({ code })
  })

  test('whose words carry an id or a key is told without them', async () => {
    const { api } = await razorpayWith(() => razorpayError('plan_Abc123def456 of rzp_test_Abc123 is\nnot allowed'))
    await expect(api.fetchSubscription(ID)).rejects.toThrow(/^Razorpay refused: … of … is not allowed$/)
  })

  test.each<[string, ApiAnswer]>([
    ['a server error', { status: 500, body: { error: { code: 'SERVER_ERROR', description: 'We are facing some trouble' } } }],
    ['a bank in trouble', { status: 502, body: { error: { code: 'GATEWAY_ERROR', description: 'Payment failed' } } }],
    ['too many requests', { status: 429, body: { error: { code: 'BAD_REQUEST_ERROR', description: 'Too many requests' } } }],
    ['a wrong key', razorpayError('Authentication failed', {}, 401)],
    ['a key without the permission', razorpayError('Access denied', {}, 403)],
    ['a wrong key with the status of all refusals', razorpayError('The api key provided is invalid')],
    ['a wrong secret with that status', razorpayError('The API {key/secret} provided is invalid.')],
    ['a page by something in between', { status: 404, body: '<html></html>' }],
    ['an unknown status', { status: 200, body: subscriptionEntity({ status: 'frozen' }) }],
    ['a link that is no web page', { status: 200, body: subscriptionEntity({ short_url: 'javascript:alert(1)' }) }],
    ['a lost answer', 'lost']
  ])('%s is unknown', async (_, answer) => {
    const { api, requests } = await razorpayWith(() => answer)
    await expect(api.fetchSubscription(ID)).rejects.toThrow(AnswerUnknown)
    expect(requests).toHaveLength(1)
  })

  test('a redirect is not followed, which would take the key along', async () => {
    const redirect = { status: 302, body: {}, headers: { location: '/elsewhere' } }
    const { api, lines } = await razorpayWith(({ path }) =>
      path === SUBSCRIPTION ? redirect : { status: 200, body: subscriptionEntity() }
    )
    await expect(api.fetchSubscription(ID)).rejects.toThrow(AnswerUnknown)
    expect(lines()).toEqual([GET])
  })

  test('silence is given up on in time', async () => {
    const { api } = await razorpayWith(() => 'silent', 50)
    await expect(api.fetchSubscription(ID)).rejects.toThrow(AnswerUnknown)
  })

  test('all requests of a call share its time, and none is sent after it; the next call has its own', async () => {
    let nowMs = 0
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => nowMs)
    try {
      const others = Array.from({ length: 100 }, (_, place) => unpaidEntity({ id: `sub_${place}`, notes: [] }))
      // Each answer alone is in time; ten pages of earlier checkouts, the plan and the creation are not.
      const { api, lines } = await razorpayWith(() => {
        nowMs += 1_500
        return { status: 200, body: listOf(others) }
      }, 5_000)
      for (const calls of [1, 2]) {
        await expect(api.createCheckout(CHECKOUT, 'op_1')).rejects.toThrow(AnswerUnknown)
        expect(lines()).toEqual(Array.from({ length: 4 * calls }, () => 'GET /v1/subscriptions'))
      }
    } finally {
      clock.mockRestore()
    }
  })

  test('an id that is no id stays within its path', async () => {
    const { api, requests } = await razorpayWith()
    await expect(api.fetchSubscription('../payments?x=1')).rejects.toMatchObject({ code: 'not_found' })
    expect(requests[0]?.path).toBe('/v1/subscriptions/..%2Fpayments%3Fx%3D1')
  })
})
