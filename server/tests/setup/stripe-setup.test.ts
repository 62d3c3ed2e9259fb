import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { CatalogPrice, ProcessorPrice } from '../../../scripts/setup/catalog.ts'
import { setUpEndpoint, setUpPortal } from '../../../scripts/setup/stripe-account.ts'
import { setUpCatalog } from '../../../scripts/setup/stripe-catalog.ts'
import { openShop } from '../../../scripts/setup/stripe-shop.ts'
import { HANDLED_TYPES } from '../../src/billing/processors/stripe/normalise.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { createTestDatabase } from '../support/database.ts'
import { runCommand } from '../start/parley-process.ts'
import { API_KEY, startStripeTwin, subscribe } from '../twin/support/stripe-twin.ts'
import type { StripeTwin } from '../twin/support/stripe-twin.ts'

let twin: StripeTwin
beforeEach(async () => {
  twin = await startStripeTwin()
})
afterEach(() => twin.close())

const price = (interval: 'month' | 'year', amountMinor: number, version = 1): CatalogPrice => ({
  plan: 'growth',
  planName: 'Growth',
  interval,
  version,
  currency: 'USD',
  amountMinor,
  trialDays: 14
})
const CATALOG = [price('month', 7900), price('year', 80580)]
const HOOK = 'https://parley.example/webhooks/stripe'

/** setUp runs the whole setup and gives what it said, what it wrote, and the endpoint. */
async function setUp(catalog = CATALOG, isDryRun = false, apiKey = API_KEY) {
  const said: string[] = []
  const written: ProcessorPrice[] = []
  const shop = openShop({ apiKey, apiUrl: twin.origin }, { isDryRun, total: catalog.length + 3, say: (line) => said.push(line) })
  await setUpCatalog(shop, catalog, (one) => Promise.resolve(void written.push(one)))
  await setUpPortal(shop)
  return { said, written, endpoint: await setUpEndpoint(shop, HOOK) }
}

const objects = async () => ({
  products: (await twin.stripe.products.list({ limit: 100 })).data.filter(({ metadata }) => metadata['parley_plan'] === 'growth'),
  prices: (await twin.stripe.prices.list({ limit: 100 })).data.filter(({ lookup_key }) => lookup_key?.startsWith('parley_growth_')),
  portals: (await twin.stripe.billingPortal.configurations.list()).data,
  endpoints: (await twin.stripe.webhookEndpoints.list()).data
})
const outcomes = (said: string[]) => said.map((line) => line.split(/[ ,]/).at(-1))

describe('the setup of Stripe', () => {
  test('makes product, prices, portal and endpoint, and writes what the price ids mean', async () => {
    // What the twin is seeded with would be found, and nothing made.
    for (const { id } of (await twin.stripe.prices.list({ limit: 100 })).data) await twin.stripe.prices.update(id, { lookup_key: '' })
    for (const { id } of (await twin.stripe.products.list({ limit: 100 })).data) await twin.stripe.products.update(id, { metadata: { parley_plan: '' } })
    const { said, written, endpoint } = await setUp()
    expect(outcomes(said)).toEqual(['created', 'created', 'created', 'created', 'created'])
    expect(said[0]).toMatch(/^\[1\/5\] product Growth: prod_\w+, created$/)
    const { products, prices, endpoints } = await objects()
    expect(products).toMatchObject([{ name: 'Growth', active: true }])
    const [yearly, monthly] = prices[0]?.recurring?.interval === 'year' ? prices : [...prices].reverse()
    expect(monthly).toMatchObject({ unit_amount: 7900, currency: 'usd', lookup_key: 'parley_growth_month_v1', recurring: { interval: 'month' }, product: products[0]?.id })
    expect(yearly).toMatchObject({ unit_amount: 80580, lookup_key: 'parley_growth_year_v1', recurring: { interval: 'year' } })
    expect(written).toEqual([
      { processor: 'stripe', priceId: monthly?.id, plan: 'growth', interval: 'month', version: 1, trialDays: 0 },
      { processor: 'stripe', priceId: yearly?.id, plan: 'growth', interval: 'year', version: 1, trialDays: 0 }
    ])
    expect(endpoint).toEqual({ secret: expect.stringMatching(/^whsec_/), others: [] })
    expect(endpoints).toMatchObject([{ url: HOOK, api_version: '2026-10-28.endive', status: 'enabled' }])
    expect([...(endpoints[0]?.enabled_events ?? [])].sort()).toEqual([...HANDLED_TYPES].sort())
  })

  test('run again changes nothing, and writes the same again', async () => {
    const first = await setUp()
    const before = await objects()
    const second = await setUp()
    expect(outcomes(second.said)).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged', 'unchanged'])
    expect(await objects()).toEqual(before)
    expect(second.written).toEqual(first.written)
    expect(second.endpoint.secret).toBeNull()
  })

  test('as a dry run tells the same and makes and writes nothing', async () => {
    const before = await objects()
    const { said, written } = await setUp([price('month', 9900, 2)], true)
    expect(said.at(1)).toBe('[2/4] price parley_growth_month_v2 (9900 minor USD a month): would be created')
    expect(written).toEqual([])
    expect(await objects()).toEqual(before)
    await setUp()
    expect(await setUp(CATALOG, true)).toMatchObject({ written: [], endpoint: { secret: null } })
  })

  test('gives a new version a price of its own and leaves the old one to its subscribers', async () => {
    const old = (await setUp()).written[0]?.priceId ?? ''
    const renewed = (await setUp([price('month', 9900, 2)])).written[0]?.priceId ?? ''
    expect(renewed).not.toBe(old)
    expect(await twin.stripe.prices.retrieve(old)).toMatchObject({ unit_amount: 7900, active: true })
  })

  test('refuses a changed amount without a new version', async () => {
    await setUp()
    await expect(setUp([price('month', 9900)])).rejects.toThrow('is 7900 minor USD a month')
  })

  test('brings back what was changed at the dashboard', async () => {
    await setUp()
    const { products, prices, portals, endpoints } = await objects()
    await twin.stripe.products.update(products[0]?.id ?? '', { name: 'Grwoth' })
    await twin.stripe.prices.update(prices[0]?.id ?? '', { active: false })
    const portal = portals.find(({ metadata }) => metadata?.['parley_portal'] === '1')
    const [on, off] = [{ enabled: true }, { enabled: false, allowed_updates: [] }]
    const features = { customer_update: off, invoice_history: on, payment_method_update: on, subscription_cancel: on, subscription_update: { enabled: false } }
    await twin.stripe.billingPortal.configurations.update(portal?.id ?? '', { features })
    await twin.stripe.webhookEndpoints.update(endpoints[0]?.id ?? '', { enabled_events: ['invoice.paid'] })
    const { said } = await setUp()
    expect(outcomes(said).filter((one) => one === 'updated')).toHaveLength(4)
    expect(outcomes((await setUp()).said)).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged', 'unchanged'])
  })

  test('leaves an endpoint of another API version beside the new one, and names it', async () => {
    const old = await twin.stripe.webhookEndpoints.create({ url: HOOK, enabled_events: ['invoice.paid'], api_version: '2024-06-20' })
    const { endpoint } = await setUp()
    expect(endpoint).toEqual({ secret: expect.any(String), others: [old.id] })
  })

  test('makes the portal that the server then sends customers to', async () => {
    await setUp()
    const { customer } = await twin.stripe.subscriptions.retrieve(await subscribe(twin))
    const { api } = createStripe({ webhookSecrets: [], apiKey: API_KEY, apiUrl: twin.origin })
    const customerId = typeof customer === 'string' ? customer : customer.id
    const session = await api?.portal({ customerId, subscriptionId: null, returnUrl: 'https://parley.example/billing' })
    expect(session?.url).toContain(twin.origin)
  })

  test('with a key that Stripe does not accept says so', async () => {
    await expect(setUp(CATALOG, false, 'sk_test_wrong')).rejects.toThrow(/^Stripe does not accept the API key.*Invalid API Key.*Set STRIPE_SECRET_KEY/)
  })
})

test('npm run setup:stripe writes the price ids into the database', async () => {
  const database = await createTestDatabase()
  const environment = { STRIPE_SECRET_KEY: API_KEY, STRIPE_API_URL: twin.origin }
  const args = ['--database-url', database.url, '--webhook-url', HOOK]
  const dry = await runCommand('setup-stripe.ts', ['--dry-run', ...args], environment)
  expect(dry.output).toContain('dry run')
  expect(dry.code).toBe(0)
  const { code, output } = await runCommand('setup-stripe.ts', args, environment)
  expect(output).toMatch(/STRIPE_WEBHOOK_SECRET=whsec_\w+/)
  expect(code).toBe(0)
  const ids = (await twin.stripe.prices.list({ lookup_keys: ['parley_starter_month_v1', 'parley_enterprise_year_v1'] })).data.map(({ id }) => id)
  const client = await database.connect()
  const { rows } = await client.query<{ plan: string; billing_interval: string }>(
    `select plan, billing_interval from app.processor_prices where processor = 'stripe' and price_id = any($1) order by plan desc`,
    [ids]
  )
  expect(rows).toEqual([{ plan: 'starter', billing_interval: 'month' }, { plan: 'enterprise', billing_interval: 'year' }])
})

test('npm run setup:stripe without a key, or with a webhook address that Stripe does not reach, refuses in a sentence', async () => {
  const nothing = await runCommand('setup-stripe.ts', [], {})
  expect(nothing).toMatchObject({ code: 1, output: expect.stringContaining('Set STRIPE_SECRET_KEY first') })
  const plain = await runCommand('setup-stripe.ts', ['--webhook-url', 'http://parley.example/x'], { STRIPE_SECRET_KEY: API_KEY })
  expect(plain).toMatchObject({ code: 1, output: expect.stringContaining('is no https:// URL') })
})
