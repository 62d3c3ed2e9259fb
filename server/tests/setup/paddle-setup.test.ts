import { afterEach, describe, expect, test } from '@jest/globals'
import type { CatalogPrice, ProcessorPrice } from '../../../scripts/setup/catalog.ts'
import { objectsOf, setUpCatalog } from '../../../scripts/setup/paddle-catalog.ts'
import { openShop } from '../../../scripts/setup/paddle-shop.ts'
import { setUpWebhook } from '../../../scripts/setup/paddle-webhook.ts'
import type { Payload } from '../../../scripts/webhook/scenario.ts'
import { PADDLE_EVENT_TYPES } from '../../src/billing/processors/paddle/normalise.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer, ApiRequest } from '../support/processors/api-server.ts'

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const price = (plan: string, interval: 'month' | 'year', amountMinor: number, trialDays = 0): CatalogPrice => ({
  plan,
  planName: plan === 'growth' ? 'Growth' : 'Starter',
  interval,
  version: 1,
  currency: 'USD',
  amountMinor,
  trialDays
})
const CATALOG = [price('starter', 'month', 1900), price('growth', 'month', 7900, 14), price('growth', 'year', 80580)]
const URL_OF_WEBHOOK = 'https://parley.example/webhooks/paddle'
const NOW = '2026-02-02T09:30:00.000000Z'

/** DEFAULTS are what Paddle fills in, by the kind of entity. */
const DEFAULTS: Record<string, Payload> = {
  products: { status: 'active', type: 'standard', description: null, image_url: null, created_at: NOW, updated_at: NOW },
  prices: { status: 'active', type: 'standard', tax_mode: 'internal', unit_price_overrides: [], created_at: NOW, updated_at: NOW },
  'notification-settings': { active: true, endpoint_secret_key: 'pdl_ntfset_01secret' }
}

/** account is a Paddle account as far as the set-up needs it; its pages hold two. `lose` loses the answer to one POST. */
async function account() {
  const entities: Record<string, Payload[]> = { products: [], prices: [], 'notification-settings': [] }
  const lost = new Set<string>()
  const server = await startApi((request): ApiAnswer => {
    const answer = answerOf(request)
    const [, kind = ''] = new URL(request.path, server.url).pathname.split('/')
    return request.method === 'POST' && lost.delete(kind) ? 'lost' : answer
  })
  stops.push(server.stop)

  function answerOf({ method, path, body }: ApiRequest): ApiAnswer {
    const url = new URL(path, server.url)
    const [, kind = '', id] = url.pathname.split('/')
    const all = entities[kind] ?? []
    const data = (value: unknown): ApiAnswer => ({ status: 200, body: { data: value, meta: {} } })
    if (method === 'GET' && kind === 'notification-settings') return data(all)
    if (method === 'GET') {
      const from = all.findIndex((entity) => entity.id === url.searchParams.get('after')) + 1
      const page = all.slice(from, from + 2)
      url.searchParams.set('after', String(page.at(-1)?.id))
      const pagination = { per_page: 2, next: url.href, has_more: all.length > from + 2, estimated_total: all.length }
      return { status: 200, body: { data: page, meta: { pagination } } }
    }
    const given = stored(kind, JSON.parse(body) as Payload)
    if (id !== undefined) return data(Object.assign(all.find((entity) => entity.id === id) ?? {}, given))
    const made = { ...DEFAULTS[kind], id: `${kind}_${all.length + 1}`, ...given }
    all.push(made)
    return data(made)
  }

  async function setUp(catalog = CATALOG, isDryRun = false) {
    const lines: string[] = []
    const written: ProcessorPrice[] = []
    const connection = { apiKey: 'pdl_parley', environment: 'sandbox', apiUrl: server.url } as const
    const shop = openShop(connection, { isDryRun, total: objectsOf(catalog) + 1, say: (line) => lines.push(line) })
    await setUpCatalog(shop, catalog, (one) => Promise.resolve(void written.push(one)))
    const secret = await setUpWebhook(shop, URL_OF_WEBHOOK)
    return { lines, written, secret }
  }
  const changing = () => server.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`)
  return { entities, setUp, changing, lose: (kind: string) => lost.add(kind) }
}

/** stored is how Paddle keeps what it is given: event types become objects. */
function stored(kind: string, given: Payload): Payload {
  if (kind !== 'notification-settings') return given
  const names = given.subscribed_events as string[]
  return { ...given, subscribed_events: names.map((name) => ({ name, description: '', group: '', available_versions: [1] })) }
}

describe('setting up Paddle', () => {
  test('makes a product per plan, its prices, a second price where there is a trial, and the webhook', async () => {
    const paddle = await account()
    const { lines, written, secret } = await paddle.setUp()
    expect(paddle.entities.products).toMatchObject([
      { name: 'Starter', tax_category: 'standard', custom_data: { parley_plan: 'starter' } },
      { name: 'Growth', custom_data: { parley_plan: 'growth' } }
    ])
    expect(paddle.entities.prices).toMatchObject([
      {
        product_id: 'products_1',
        unit_price: { amount: '1900', currency_code: 'USD' },
        billing_cycle: { interval: 'month', frequency: 1 },
        trial_period: null,
        quantity: { minimum: 1, maximum: 1 },
        custom_data: { parley_plan: 'starter', parley_interval: 'month', parley_version: '1' }
      },
      { product_id: 'products_2', unit_price: { amount: '7900' }, trial_period: null },
      {
        product_id: 'products_2',
        unit_price: { amount: '7900' },
        trial_period: { interval: 'day', frequency: 14 },
        custom_data: { parley_plan: 'growth', parley_interval: 'month', parley_version: '1', parley_trial: '14' }
      },
      { product_id: 'products_2', unit_price: { amount: '80580' }, billing_cycle: { interval: 'year', frequency: 1 } }
    ])
    expect(paddle.entities['notification-settings']).toMatchObject([
      {
        type: 'url',
        destination: URL_OF_WEBHOOK,
        traffic_source: 'platform',
        api_version: 1,
        subscribed_events: PADDLE_EVENT_TYPES.map((name) => ({ name }))
      }
    ])
    const of = { processor: 'paddle', version: 1, interval: 'month', trialDays: 0 }
    expect(written).toEqual([
      { ...of, priceId: 'prices_1', plan: 'starter' },
      { ...of, priceId: 'prices_2', plan: 'growth' },
      { ...of, priceId: 'prices_3', plan: 'growth', trialDays: 14 },
      { ...of, priceId: 'prices_4', plan: 'growth', interval: 'year' }
    ])
    expect(secret).toBe('pdl_ntfset_01secret')
    expect(lines).toEqual([
      '[1/7] product starter: products_1, made',
      '[2/7] price starter monthly v1: prices_1, made',
      '[3/7] product growth: products_2, made',
      '[4/7] price growth monthly v1: prices_2, made',
      '[5/7] price growth monthly v1 with 14 days of trial: prices_3, made',
      '[6/7] price growth yearly v1: prices_4, made',
      `[7/7] webhook ${URL_OF_WEBHOOK}: notification-settings_1, made`
    ])
  })

  test('a second time changes nothing, writes the same, and shows no secret', async () => {
    const paddle = await account()
    const { written } = await paddle.setUp()
    const before = structuredClone(paddle.entities)
    const requests = paddle.changing().length
    const again = await paddle.setUp()
    expect(paddle.changing()).toHaveLength(requests)
    expect(paddle.entities).toEqual(before)
    expect(again.written).toEqual(written)
    expect(again.secret).toBeNull()
    expect(again.lines.every((line) => line.endsWith(', is there'))).toBe(true)
  })

  test('a dry run tells what would be made, and makes and writes nothing', async () => {
    const paddle = await account()
    const { lines, written, secret } = await paddle.setUp(CATALOG, true)
    expect(paddle.changing()).toEqual([])
    expect([written, secret]).toEqual([[], null])
    expect(lines).toHaveLength(7)
    expect(lines[1]).toBe('[2/7] price starter monthly v1: would be made')
  })

  const KINDS = ['products', 'prices', 'notification-settings']
  test.each(KINDS)('that lost the answer about %s goes on when it is run again', async (kind) => {
    const paddle = await account()
    paddle.lose(kind)
    await expect(paddle.setUp()).rejects.toThrow('run the command again')
    const { written } = await paddle.setUp()
    expect(written).toHaveLength(4)
    expect(KINDS.map((one) => paddle.entities[one]?.length)).toEqual([2, 4, 1])
  })

  test('a plan that got another name is renamed, with the price ids kept', async () => {
    const paddle = await account()
    await paddle.setUp()
    const { lines } = await paddle.setUp(CATALOG.map((one) => ({ ...one, planName: `${one.planName} plus` })))
    expect(paddle.entities.products?.map(({ name }) => name)).toEqual(['Starter plus', 'Growth plus'])
    expect(lines[0]).toBe('[1/7] product starter: products_1, changed')
    expect(paddle.entities.prices).toHaveLength(4)
  })

  test('a new version of a price is a new price, and the old one stays for those who pay it', async () => {
    const paddle = await account()
    await paddle.setUp()
    const { written } = await paddle.setUp([{ ...price('starter', 'month', 2100), version: 2 }])
    expect(written).toMatchObject([{ priceId: 'prices_5', version: 2 }])
    expect(paddle.entities.prices?.[0]).toMatchObject({ unit_price: { amount: '1900' }, status: 'active' })
  })

  test.each([
    ['unit_price', { amount: '2000', currency_code: 'USD' }],
    ['unit_price', { amount: '1900', currency_code: 'EUR' }],
    ['billing_cycle', { interval: 'year', frequency: 1 }],
    ['billing_cycle', { interval: 'month', frequency: 3 }],
    ['billing_cycle', null],
    ['trial_period', { interval: 'day', frequency: 7 }]
  ])('a price with another %s at Paddle is not changed, and stops it', async (field, value) => {
    const paddle = await account()
    await paddle.setUp()
    Object.assign(paddle.entities.prices?.[0] ?? {}, { [field]: value })
    const requests = paddle.changing().length
    await expect(paddle.setUp()).rejects.toThrow('is marked as the price starter monthly v1, but is not 1900 USD')
    expect(paddle.changing()).toHaveLength(requests)
  })

  test('products and prices that are not ours are left alone', async () => {
    const paddle = await account()
    const other = { ...DEFAULTS.products, id: 'pro_other', name: 'Growth', tax_category: 'standard', custom_data: null }
    paddle.entities.products?.push(other)
    await paddle.setUp()
    expect(paddle.entities.products).toHaveLength(3)
    expect(paddle.entities.products?.[0]).toMatchObject({ id: 'pro_other', custom_data: null })
  })

  test('a webhook that lacks event types or is off is put right, and keeps what it has beside ours', async () => {
    const paddle = await account()
    await paddle.setUp()
    const setting = paddle.entities['notification-settings']?.[0] ?? {}
    const subscribed_events = ['payout.paid', 'subscription.updated']
    Object.assign(setting, { active: false, ...stored('notification-settings', { subscribed_events }) })
    const { secret, lines } = await paddle.setUp()
    expect(secret).toBeNull()
    expect(lines.at(-1)).toContain('changed')
    expect(setting).toMatchObject({ active: true, traffic_source: 'platform' })
    expect((setting.subscribed_events as Payload[]).map(({ name }) => name)).toEqual([...PADDLE_EVENT_TYPES, 'payout.paid'])
  })

  test('what Paddle refuses is told in its own words', async () => {
    const server = await startApi(() => ({
      status: 403,
      body: { error: { type: 'request_error', code: 'forbidden', detail: "You aren't permitted to list products." } }
    }))
    stops.push(server.stop)
    const connection = { apiKey: 'pdl_parley', environment: 'sandbox', apiUrl: server.url } as const
    const shop = openShop(connection, { isDryRun: false, total: 1, say: () => undefined })
    await expect(setUpCatalog(shop, CATALOG, () => Promise.resolve())).rejects.toThrow(
      "Paddle does not accept Parley's API key for this. Paddle says: You aren't permitted to list products. Set PADDLE_API_KEY"
    )
  })
})
