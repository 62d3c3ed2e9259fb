import { afterEach, describe, expect, test } from '@jest/globals'
import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import type { Payload } from '../../../scripts/webhook/scenario.ts'
import { PADDLE_EVENT_TYPES } from '../../src/billing/processors/paddle/normalise.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import type { CheckoutRequest, ListedEntry } from '../../src/billing/processor.ts'
import { startApi } from '../support/processors/api-server.ts'
import { asked, itemOn, startPaddle, transactionOn } from '../support/processors/paddle-api.ts'
import type { PaddleShop } from '../support/processors/paddle-api.ts'
import { scenarioOf } from '../support/processors/scenario.ts'

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function paddle(...options: Parameters<typeof startPaddle>): Promise<PaddleShop> {
  const shop = await startPaddle(...options)
  stops.push(shop.stop)
  return shop
}

const CHECKOUT: CheckoutRequest = {
  accountId: 'org_parley',
  checkoutId: 'chk_1',
  customerId: null,
  priceId: 'pri_starter_monthly',
  trialDays: 14,
  returnUrl: 'https://parley.example/return',
  cancelUrl: 'https://parley.example/cancel',
  expiresAt: '2026-02-02T10:30:00Z'
}
const PAGE = 'https://parley.example/pay?_ptxn=txn_01'
const OPEN = { id: 'txn_01', status: 'open', url: PAGE, subscriptionId: null, customerId: null }
const LIST = 'GET /transactions?status=draft%2Cready&origin=api&order_by=id%5BDESC%5D&per_page=30'

describe('a Paddle checkout', () => {
  test('is a transaction that carries the account, Parley’s checkout and the key', async () => {
    const shop = await paddle()
    await expect(shop.api.createCheckout(CHECKOUT, 'op_1')).resolves.toEqual(OPEN)
    expect(asked(shop)).toEqual([
      [LIST],
      [
        'POST /transactions?',
        {
          items: [{ price_id: 'pri_starter_monthly', quantity: 1 }],
          custom_data: {
            account_id: 'org_parley',
            checkout_id: 'chk_1',
            operation_id: 'op_1',
            return_url: 'https://parley.example/return'
          },
          checkout: { url: null }
        }
      ]
    ])
  })

  test('of a known customer is theirs', async () => {
    const shop = await paddle()
    await expect(shop.api.createCheckout({ ...CHECKOUT, customerId: 'ctm_01parley' }, 'op_1')).resolves.toMatchObject({
      customerId: 'ctm_01parley'
    })
    expect(asked(shop)).toMatchObject([
      [`${LIST}&customer_id=ctm_01parley`],
      ['POST /transactions?', { customer_id: 'ctm_01parley' }]
    ])
  })

  test('whose answer was lost is found again by its key, and not made twice', async () => {
    const shop = await paddle()
    shop.lose('POST')
    await expect(shop.api.createCheckout(CHECKOUT, 'op_1')).rejects.toBeInstanceOf(AnswerUnknown)
    await expect(shop.api.createCheckout(CHECKOUT, 'op_1')).resolves.toEqual(OPEN)
    expect(shop.transactions).toHaveLength(1)
    await expect(shop.api.createCheckout(CHECKOUT, 'op_2')).resolves.toMatchObject({ id: 'txn_02' })
  })

  test('needs a default payment link at Paddle, and says so', async () => {
    const shop = await paddle()
    shop.refuse('POST', 400, 'transaction_default_checkout_url_not_set')
    await expect(shop.api.createCheckout(CHECKOUT, 'op_1')).rejects.toMatchObject({
      code: 'invalid',
      message: 'Checkouts are not set up at Paddle: a default payment link is needed.'
    })
  })

  test.each([
    ['draft', 'open'],
    ['ready', 'open'],
    ['past_due', 'open'],
    ['billed', 'complete'],
    ['paid', 'complete'],
    ['completed', 'complete'],
    ['canceled', 'expired']
  ])('%s is %s', async (status, expected) => {
    const shop = await paddle()
    shop.transactions = [transactionOn('txn_01', { status, customer_id: 'ctm_01parley', subscription_id: 'sub_01parley' })]
    await expect(shop.api.fetchCheckout('txn_01')).resolves.toEqual({
      ...OPEN,
      status: expected,
      customerId: 'ctm_01parley',
      subscriptionId: 'sub_01parley'
    })
    expect(asked(shop)).toEqual([['GET /transactions/txn_01?']])
  })

  test('in a state of tomorrow is unknown, not guessed at', async () => {
    const shop = await paddle()
    shop.transactions = [transactionOn('txn_01', { status: 'revised' })]
    const fetching = shop.api.fetchCheckout('txn_01')
    await expect(fetching).rejects.toBeInstanceOf(AnswerUnknown)
    await expect(fetching).rejects.toThrow('Paddle answered in an unknown shape: status:')
  })

  test('that Paddle does not have is not found', async () => {
    const shop = await paddle()
    await expect(shop.api.fetchCheckout('txn_01/../txn_02')).rejects.toMatchObject({ code: 'not_found' })
    expect(asked(shop)).toEqual([['GET /transactions/txn_01%2F..%2Ftxn_02?']])
  })

  test('expires by being canceled', async () => {
    const shop = await paddle()
    shop.transactions = [transactionOn('txn_01', { status: 'ready' })]
    await expect(shop.api.expireCheckout('txn_01')).resolves.toEqual({ ...OPEN, status: 'expired' })
    expect(asked(shop)[1]).toEqual(['PATCH /transactions/txn_01?', { status: 'canceled' }])
  })

  test.each([
    ['completed', 'complete'],
    ['canceled', 'expired']
  ])('that is %s stays so, and nothing is changed', async (status, expected) => {
    const shop = await paddle()
    shop.transactions = [transactionOn('txn_01', { status })]
    await expect(shop.api.expireCheckout('txn_01')).resolves.toMatchObject({ status: expected })
    expect(shop.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  test('that is paid while it is being expired is complete', async () => {
    const shop = await paddle()
    const paid = transactionOn('txn_01', { status: 'ready' })
    Object.defineProperty(paid, 'status', { enumerable: true, get: () => (shop.requests.length > 1 ? 'completed' : 'ready') })
    shop.transactions = [paid]
    shop.refuse('PATCH', 400, 'transaction_immutable')
    await expect(shop.api.expireCheckout('txn_01')).resolves.toMatchObject({ status: 'complete' })
  })

  test('that nobody began cannot be canceled at Paddle, and is told as open', async () => {
    const shop = await paddle()
    shop.transactions = [transactionOn('txn_01')]
    await expect(shop.api.expireCheckout('txn_01')).resolves.toEqual(OPEN)
  })

  test('with a payment under way is refused as busy', async () => {
    const shop = await paddle()
    shop.transactions = [transactionOn('txn_01', { status: 'ready' })]
    shop.refuse('PATCH', 409, 'transaction_immutable_while_processing_payment')
    await expect(shop.api.expireCheckout('txn_01')).rejects.toMatchObject({ code: 'busy' })
  })
})

describe('the preview of a Paddle plan change', () => {
  const TO_GROWTH = { subscriptionId: 'sub_01parley', priceId: 'pri_growth_monthly' }
  const totals = (grand_total: string) => ({
    details: { tax_rates_used: [], totals: { grand_total }, line_items: [] },
    billing_period: { starts_at: '2026-02-02T09:30:00Z', ends_at: '2026-02-28T10:00:00Z' },
    adjustments: []
  })
  const summary = (action: string, amount: string) => {
    const money = { amount, currency_code: 'USD' }
    return { credit: money, charge: money, result: { action, ...money } }
  }

  test.each([
    ['a charge is what the card pays, after what is in credit', totals('5571'), summary('charge', '6071'), 5571],
    ['a credit is negative', null, summary('credit', '1200'), -1200],
    ['a credit that Paddle signs itself is not turned round', totals('0'), summary('credit', '-1200'), -1200],
    ['nothing at once is nothing', null, null, 0]
  ])('%s', async (_, immediate_transaction, update_summary, dueNowMinor) => {
    const shop = await paddle({ immediate_transaction, update_summary })
    await expect(shop.api.previewChange(TO_GROWTH)).resolves.toEqual({ dueNowMinor, currency: 'USD' })
    expect(asked(shop)[1]).toEqual([
      'PATCH /subscriptions/sub_01parley/preview',
      {
        items: [{ price_id: 'pri_growth_monthly', quantity: 1 }],
        proration_billing_mode: 'prorated_immediately',
        on_payment_failure: 'prevent_change'
      }
    ])
    expect(shop.subscription.items).toEqual([itemOn('pri_starter_monthly')])
  })
})

test.each([
  ['sub_01parley', ['sub_01parley']],
  [null, []]
])('the Paddle portal is opened for %s', async (subscriptionId, subscription_ids) => {
  const shop = await paddle()
  const request = { customerId: 'ctm_01parley', subscriptionId, returnUrl: 'https://parley.example/billing' }
  await expect(shop.api.portal(request)).resolves.toEqual({ url: 'https://customer-portal.example/ctm_01parley' })
  expect(asked(shop)).toEqual([['POST /customers/ctm_01parley/portal-sessions', { subscription_ids }]])
})

describe('the list of Paddle events', () => {
  /** listed is an event as the list has it: a notification without its id. Minute 0 is 10:00 on 31 January. */
  function listed(minute: number, event_type = 'subscription.updated'): Payload {
    const { notification_id: _, ...event } = buildEvent('paddle', scenarioOf('paddle', { event: 'updated' }))
    const occurred_at = new Date(Date.UTC(2026, 0, 31, 10, minute)).toISOString()
    return { ...event, event_type, event_id: `evt_${String(minute).padStart(5, '0')}`, occurred_at }
  }
  async function all(shop: PaddleShop, since: string): Promise<ListedEntry[]> {
    const entries: ListedEntry[] = []
    let cursor: string | null = null
    do {
      const page = await shop.api.listSince({ since, cursor })
      entries.push(...page.entries)
      cursor = page.cursor
    } while (cursor !== null)
    return entries
  }

  test('is read a page at a time until it is older than asked for', async () => {
    const shop = await paddle()
    shop.events = Array.from({ length: 1_000 }, (_, index) => listed(1_000 - index))
    const entries = await all(shop, '2026-01-31T20:00:30Z')
    expect(entries).toHaveLength(400)
    expect(entries.map(({ normalised }) => normalised.outcome === 'event' && normalised.event.eventId)).toEqual(
      shop.events.slice(0, 400).map((event) => event.event_id)
    )
    const types = encodeURIComponent(PADDLE_EVENT_TYPES.join(','))
    const first = `GET /events?order_by=id%5BDESC%5D&per_page=200&event_type=${types}`
    expect(asked(shop)).toEqual([[first], [`${first}&after=evt_00801`], [`${first}&after=evt_00601`]])
  })

  test('is not ended by one event out of place', async () => {
    const shop = await paddle()
    shop.events = Array.from({ length: 400 }, (_, index) => listed(1_000 - index))
    shop.events[199] = { ...listed(801), occurred_at: '2026-01-01T00:00:00Z' }
    expect(await all(shop, '2026-01-31T10:00:00Z')).toHaveLength(399)
  })

  test('that is empty ends at once', async () => {
    const shop = await paddle()
    const page = await shop.api.listSince({ since: '2026-01-31T10:00:00Z', cursor: null })
    expect(page).toEqual({ entries: [], cursor: null })
  })

  test('gives what a webhook carries, unknown fields too, and means the same', async () => {
    const shop = await paddle()
    const event = listed(5)
    shop.events = [{ ...event, data: { ...(event.data as Payload), field_of_tomorrow: { keptAs_it: 'is' } } }]
    const { normalise } = createPaddle({ webhookSecrets: [], apiKey: null, environment: 'sandbox' })
    const [entry] = await all(shop, '2026-01-31T10:00:00Z')
    expect(JSON.parse(entry?.payload ?? '')).toEqual(shop.events[0])
    expect(entry?.normalised).toEqual(normalise(JSON.stringify({ ...shop.events[0], notification_id: 'ntf_1' })))
  })

  test('is asked for with the key', async () => {
    const shop = await paddle()
    await all(shop, '2026-01-31T10:00:00Z')
    expect(shop.requests[0]?.headers).toMatchObject({ authorization: 'bearer pdl_parley', 'paddle-version': '1' })
  })

  test.each([
    [403, 'forbidden', 'request_error', 'AnswerUnknown'],
    [400, 'bad_request', 'request_error', 'ProcessorRefusal'],
    [429, 'too_many_requests', 'api_error', 'AnswerUnknown'],
    [500, 'internal_error', 'api_error', 'AnswerUnknown']
  ])('answered with %i %s is no empty list', async (status, code, type, name) => {
    const shop = await paddle()
    shop.refuse('GET', status, code, type)
    await expect(shop.api.listSince({ since: '2026-01-31T10:00:00Z', cursor: null })).rejects.toMatchObject({ name })
  })

  test('answered in an unknown shape is no empty list', async () => {
    const shop = await paddle()
    shop.events = [{ event_id: 'evt_1' }]
    await expect(shop.api.listSince({ since: '2026-01-31T10:00:00Z', cursor: null })).rejects.toBeInstanceOf(AnswerUnknown)
  })
})

/** CALLS are all calls that begin with one request. */
const CALLS: [string, (api: PaddleShop['api']) => Promise<unknown>][] = [
  ['createCheckout', (api) => api.createCheckout(CHECKOUT, 'op_1')],
  ['fetchCheckout', (api) => api.fetchCheckout('txn_01')],
  ['expireCheckout', (api) => api.expireCheckout('txn_01')],
  ['previewChange', (api) => api.previewChange({ subscriptionId: 'sub_01parley', priceId: 'pri_growth_monthly' })],
  ['fetchSubscription', (api) => api.fetchSubscription('sub_01parley')],
  ['portal', (api) => api.portal({ customerId: 'ctm_1', subscriptionId: null, returnUrl: 'https://parley.example' })],
  ['listSince', (api) => api.listSince({ since: '2026-01-31T10:00:00Z', cursor: null })]
]

describe.each(CALLS)('the answer to %s', (_, call) => {
  function apiAt(apiUrl: string, timeoutMs: number) {
    const { api } = createPaddle({ webhookSecrets: [], apiKey: 'pdl_parley', environment: 'sandbox', apiUrl, timeoutMs })
    if (api === null) throw new Error('the processor has no API')
    return api
  }
  async function answering(...[answer]: Parameters<typeof startApi>) {
    const server = await startApi(answer)
    stops.push(server.stop)
    return server
  }

  test('that does not come is unknown after the timeout', async () => {
    const server = await answering(() => 'silent')
    await expect(call(apiAt(server.url, 50))).rejects.toThrow('Paddle did not answer within 50 ms')
  })

  test('that is lost is unknown', async () => {
    const server = await answering(() => 'lost')
    await expect(call(apiAt(server.url, 5_000))).rejects.toBeInstanceOf(AnswerUnknown)
    await server.stop()
    await expect(call(apiAt(server.url, 5_000))).rejects.toBeInstanceOf(AnswerUnknown)
  })

  test('without an entity is unknown', async () => {
    const server = await answering(() => ({ status: 502, body: 'Bad gateway' }))
    await expect(call(apiAt(server.url, 5_000))).rejects.toBeInstanceOf(AnswerUnknown)
  })

  test('that the key is wrong is unknown, because a refusal would be final, and does not repeat the key', async () => {
    const error = { type: 'request_error', code: 'authentication_malformed', detail: 'pdl_parley is malformed' }
    const server = await answering(() => ({ status: 403, body: { error } }))
    const failure = await call(apiAt(server.url, 5_000)).then(() => 'done', (thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(AnswerUnknown)
    expect(failure).toMatchObject({ message: "Paddle does not accept Parley's API key for this" })
  })
})
