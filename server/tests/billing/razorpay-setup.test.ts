import { afterEach, describe, expect, test } from '@jest/globals'
import type { CatalogPrice, ProcessorPrice } from '../../../scripts/setup/catalog.ts'
import { setUpRazorpay, webhookSteps } from '../../../scripts/setup/razorpay.ts'
import { createClient } from '../../src/billing/processors/razorpay/client.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import { runCommand } from '../start/parley-process.ts'
import { createTestDatabase } from '../support/database.ts'
import { startApi } from '../support/processors/api-server.ts'
import { listOf, planOf } from '../support/razorpay-api.ts'

const STARTER = { plan: 'starter', planName: 'Starter', version: 1, currency: 'USD', trialDays: 0 }
const CATALOG: CatalogPrice[] = [
  { ...STARTER, interval: 'month', amountMinor: 1900 },
  { ...STARTER, interval: 'year', amountMinor: 19380 },
  { ...STARTER, plan: 'growth', planName: 'Growth', interval: 'month', amountMinor: 7900, version: 2, trialDays: 14 }
]
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** seller is an account at Razorpay that keeps the plans made, newest first, and loses the first `lost` answers to that. */
async function seller(plans: Record<string, unknown>[] = [], lost = 0) {
  let toLose = lost
  const server = await startApi(({ method, path, body }) => {
    if (method === 'GET') {
      const skip = Number(new URL(path, 'http://razorpay').searchParams.get('skip'))
      return { status: 200, body: listOf(plans.slice(skip, skip + 100)) }
    }
    const plan = { ...planOf(`plan_${plans.length}`), ...(JSON.parse(body) as object), created_at: 1_769_853_600 + plans.length }
    plans.unshift(plan)
    if (toLose === 0) return { status: 200, body: plan }
    toLose -= 1
    return 'lost'
  })
  stops.push(server.stop)
  const client = createClient({ keyId: 'rzp_test_parley', keySecret: 'secret', apiUrl: server.url })
  const run = async (catalog = CATALOG, isDryRun = false) => {
    const written: ProcessorPrice[] = []
    const said: string[] = []
    const write = async (price: ProcessorPrice) => void written.push(price)
    await setUpRazorpay({ client, catalog, write, isDryRun, say: (line) => said.push(line) })
    return { written, said }
  }
  const posts = () => server.requests.filter(({ method }) => method === 'POST')
  return { run, posts, plans, url: server.url }
}

describe('setting Razorpay up', () => {
  test('makes a plan for each price and writes what its id means', async () => {
    const { run, plans } = await seller()
    const { written, said } = await run()
    expect(plans.toReversed()).toMatchObject([
      {
        period: 'monthly',
        interval: 1,
        item: { name: 'Starter, monthly', amount: 1900, currency: 'USD' },
        notes: { parley_plan: 'starter', parley_interval: 'month', parley_version: '1' }
      },
      { period: 'yearly', item: { amount: 19380 }, notes: { parley_interval: 'year' } },
      { period: 'monthly', item: { amount: 7900 }, notes: { parley_plan: 'growth', parley_version: '2' } }
    ])
    const starter = { processor: 'razorpay', plan: 'starter', version: 1, trialDays: 0 }
    expect(written).toEqual([
      { ...starter, priceId: 'plan_0', interval: 'month' },
      { ...starter, priceId: 'plan_1', interval: 'year' },
      { ...starter, priceId: 'plan_2', plan: 'growth', interval: 'month', version: 2 }
    ])
    expect(said).toHaveLength(3)
  })

  test('again makes nothing and writes the same', async () => {
    const { run, posts } = await seller()
    const first = await run()
    const second = await run()
    expect(posts()).toHaveLength(3)
    expect(second.written).toEqual(first.written)
  })

  test('dry makes and writes nothing, and says what it would', async () => {
    const { run, posts } = await seller()
    const { written, said } = await run(CATALOG, true)
    expect([posts(), written]).toEqual([[], []])
    expect(said[0]).toBe('[1/3] starter, monthly, version 1: would be made, 1900 USD (minor units)')
  })

  test('goes on where a lost answer stopped it, without a second plan', async () => {
    const { run, posts } = await seller([], 1)
    await expect(run()).rejects.toThrow(AnswerUnknown)
    const { written } = await run()
    expect(posts()).toHaveLength(3)
    expect(written).toHaveLength(3)
  })

  test('finds its plans behind a page of others, and takes the oldest of two', async () => {
    const notes = { parley_plan: 'starter', parley_interval: 'month', parley_version: 1 }
    const twins = [
      { ...planOf('plan_b', 'monthly', notes), created_at: 1_769_853_601 },
      { ...planOf('plan_a', 'monthly', notes), created_at: 1_769_853_600 }
    ]
    const others = Array.from({ length: 99 }, (_, place) => planOf(`plan_other_${place}`))
    const { run, posts } = await seller([...others, { id: 'plan_odd' }, ...twins])
    const { written } = await run(CATALOG.slice(0, 1))
    expect(written).toMatchObject([{ priceId: 'plan_a' }])
    expect(posts()).toEqual([])
  })

  test('stops at a plan that costs something else, because none can be changed', async () => {
    const notes = { parley_plan: 'starter', parley_interval: 'month', parley_version: '1' }
    const others = [{ item: { amount: 1800, currency: 'USD' } }, { item: { amount: 1900, currency: 'INR' } }, { period: 'weekly' }]
    for (const changes of others) {
      const { run, posts } = await seller([{ ...planOf('plan_a', 'monthly', notes), ...changes }])
      await expect(run()).rejects.toThrow('A plan cannot be changed: give the price a new version.')
      expect(posts()).toEqual([])
    }
  })

  test('tells what to enter for the webhook, and never the secret', () => {
    const steps = webhookSteps('https://parley.test/webhooks/razorpay', 'the_secret').join('\n')
    expect(steps).toContain('https://parley.test/webhooks/razorpay\n')
    expect(steps).toContain('subscription.charged')
    expect(steps).not.toContain('the_secret')
  })
})

describe('npm run setup:razorpay', () => {
  const key = { RAZORPAY_KEY_ID: 'rzp_test_parley', RAZORPAY_KEY_SECRET: 'the_key_secret' }

  test('sets a database up, says so, and changes nothing the second time', async () => {
    const database = await createTestDatabase()
    const { posts, url } = await seller()
    const client = await database.connect()
    const environment = { ...key, RAZORPAY_API_URL: url, RAZORPAY_WEBHOOK_SECRET: 'the_secret', PUBLIC_URL: 'https://parley.test' }
    const run = (...args: string[]) => runCommand('setup-razorpay.ts', ['--database-url', database.url, ...args], environment)
    const stored = async () => {
      const query = "select price_id from app.processor_prices where processor = 'razorpay' and price_id ~ '^plan_[0-9]+$' order by price_id"
      return (await client.query<{ price_id: string }>(query)).rows.map(({ price_id }) => price_id)
    }
    const dry = await run('--dry-run')
    expect([dry.code, posts(), await stored()]).toEqual([0, [], []])
    const first = await run()
    expect(first.code).toBe(0)
    expect(first.output).toContain('https://parley.test/webhooks/razorpay')
    const made = posts().length
    expect(made).toBeGreaterThan(0)
    expect(await stored()).toHaveLength(made)
    const second = await run()
    expect([second.code, posts().length, (await stored()).length]).toEqual([0, made, made])
    expect(first.output + second.output).not.toMatch(/the_secret|the_key_secret/)
  })

  test('without keys says which to set', async () => {
    const { code, output } = await runCommand('setup-razorpay.ts', [], {})
    expect([code, output]).toEqual([1, expect.stringContaining('Set RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET first')])
  })
})
