import { afterEach, describe, expect, test } from '@jest/globals'
import { paddleSubscription } from '../../../scripts/webhook/paddle-events.ts'
import { stripeSubscription } from '../../../scripts/webhook/stripe-events.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import type { Processor, ProcessorApi } from '../../src/billing/processor.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer } from '../support/processors/api-server.ts'
import { scenarioOf } from '../support/processors/scenario.ts'

const nowMs = () => Date.UTC(2026, 1, 2, 9, 30, 0, 250)
const FETCHED_AT = '2026-02-02T09:30:00.250Z'
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** api answers GET `path` with `answer`, and everything else as the processor does: not found. */
async function api(path: string, answer: ApiAnswer, notFound: unknown) {
  const server = await startApi(({ method, path: asked }) =>
    method === 'GET' && asked.split('?')[0] === path ? answer : { status: 404, body: notFound }
  )
  stops.push(server.stop)
  return server
}

function apiOf({ api: calls }: Processor): ProcessorApi {
  if (calls === null) throw new Error('the processor has no API')
  return calls
}

describe('the present state of a Stripe subscription', () => {
  const NOT_FOUND = { error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such subscription' } }

  async function stripeWith(body: unknown, status = 200) {
    const server = await api('/v1/subscriptions/sub_1Parley', { status, body }, NOT_FOUND)
    const processor = createStripe({ webhookSecrets: [], apiKey: 'sk_test_parley', apiUrl: server.url, nowMs })
    return { server, fetchSubscription: apiOf(processor).fetchSubscription }
  }

  test('is fetched with the pinned version and told as of the time of asking', async () => {
    const { server, fetchSubscription } = await stripeWith(stripeSubscription(scenarioOf('stripe', { event: 'past_due' })))
    await expect(fetchSubscription('sub_1Parley')).resolves.toEqual({
      processor: 'stripe',
      eventId: `fetch:sub_1Parley:${FETCHED_AT}`,
      eventType: 'fetched',
      kind: 'state',
      // Stripe's own clock has whole seconds: finer, an event of the same second would look older than the answer.
      occurredAt: '2026-02-02T09:30:00.000Z',
      rank: 2,
      accountId: 'org_parley',
      customerId: 'cus_Parley',
      subscriptionId: 'sub_1Parley',
      status: 'past_due',
      payment: null,
      items: [
        { priceId: 'price_starter_monthly', periodStart: '2026-01-31T10:00:00.000Z', periodEnd: '2026-02-28T10:00:00.000Z' }
      ],
      cancelsAt: null,
      trialEndsAt: null,
      amountMinor: null,
      currency: null,
      paymentId: null,
      objectIds: [],
      reversalId: null,
      reversalStatus: null
    })
    // Telemetry about a request would travel with the next one.
    await fetchSubscription('sub_1Parley')
    expect(server.requests).toHaveLength(2)
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer sk_test_parley',
      'stripe-version': '2026-10-28.endive'
    })
    expect(server.requests[1]?.headers).not.toHaveProperty('x-stripe-client-telemetry')
  })

  test('that Stripe does not have is a refusal, not a state', async () => {
    const { fetchSubscription } = await stripeWith({})
    await expect(fetchSubscription('sub_other')).rejects.toMatchObject({ name: 'ProcessorRefusal', code: 'not_found' })
  })

  test('that has ended is canceled', async () => {
    const { fetchSubscription } = await stripeWith(stripeSubscription(scenarioOf('stripe', { event: 'canceled' })))
    await expect(fetchSubscription('sub_1Parley')).resolves.toMatchObject({ status: 'canceled', rank: 2 })
  })

  test('in an unknown shape is an error that names the field', async () => {
    const { fetchSubscription } = await stripeWith({ ...stripeSubscription(scenarioOf('stripe')), status: 'frozen' })
    const fetching = fetchSubscription('sub_1Parley')
    await expect(fetching).rejects.toThrow('Stripe answered in an unknown shape: status:')
    await expect(fetching).rejects.toBeInstanceOf(AnswerUnknown)
  })
})

describe('the present state of a Paddle subscription', () => {
  const NOT_FOUND = { error: { type: 'request_error', code: 'not_found', detail: 'Entity sub_other not found' } }

  async function paddleWith(answer: ApiAnswer, timeoutMs = 5_000) {
    const server = await api('/subscriptions/sub_01parley', answer, NOT_FOUND)
    const options = { webhookSecrets: [], apiKey: 'pdl_parley', environment: 'sandbox' as const, apiUrl: server.url }
    const processor = createPaddle({ ...options, timeoutMs, nowMs })
    return { server, fetchSubscription: apiOf(processor).fetchSubscription }
  }
  const entity = (event: 'updated' | 'paused') => paddleSubscription(scenarioOf('paddle', { event }))

  test('is fetched and told as of the time of asking, in the words of its webhooks', async () => {
    const scheduled_change = { action: 'cancel', effective_at: '2026-02-28T10:00:00.000000Z', resume_at: null }
    const { server, fetchSubscription } = await paddleWith({ status: 200, body: { data: { ...entity('updated'), scheduled_change }, meta: {} } })
    await expect(fetchSubscription('sub_01parley')).resolves.toEqual({
      processor: 'paddle',
      eventId: `fetch:sub_01parley:${FETCHED_AT}`,
      eventType: 'fetched',
      kind: 'state',
      occurredAt: FETCHED_AT,
      rank: 2,
      accountId: 'org_parley',
      customerId: 'ctm_01parley',
      subscriptionId: 'sub_01parley',
      status: 'active',
      payment: null,
      items: [
        { priceId: 'pri_starter_monthly', periodStart: '2026-01-31T10:00:00.000000Z', periodEnd: '2026-02-28T10:00:00.000000Z' }
      ],
      cancelsAt: '2026-02-28T10:00:00.000000Z',
      trialEndsAt: null,
      amountMinor: null,
      currency: null,
      paymentId: null,
      objectIds: [],
      reversalId: null,
      reversalStatus: null
    })
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['bearer pdl_parley'])
  })

  test('paused has no period', async () => {
    const { fetchSubscription } = await paddleWith({ status: 200, body: { data: entity('paused'), meta: {} } })
    await expect(fetchSubscription('sub_01parley')).resolves.toMatchObject({
      status: 'paused',
      items: [{ priceId: 'pri_starter_monthly', periodStart: null, periodEnd: null }]
    })
  })

  test('that Paddle does not have is an error, not a state', async () => {
    const { fetchSubscription } = await paddleWith({ status: 200, body: {} })
    await expect(fetchSubscription('sub_other')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('in an unknown shape is an error that names the field', async () => {
    const { fetchSubscription } = await paddleWith({ status: 200, body: { data: { ...entity('updated'), status: 'frozen' } } })
    await expect(fetchSubscription('sub_01parley')).rejects.toThrow('Paddle answered in an unknown shape: status:')
  })

  test('is given up on when Paddle does not answer in time', async () => {
    const { fetchSubscription } = await paddleWith('silent', 50)
    await expect(fetchSubscription('sub_01parley')).rejects.toThrow('Paddle did not answer within 50 ms')
  })
})
