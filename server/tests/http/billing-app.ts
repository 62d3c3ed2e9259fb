import { createServer, type RequestListener } from 'node:http'
import request, { type Response } from 'supertest'
import { z } from 'zod'
import { TWIN_ACCOUNT_ID, TWIN_KEY_ID } from '../../../scripts/twin/razorpay/context.ts'
import { planPriceSchema, twinPrices } from '../../../scripts/twin/catalog.ts'
import type { Card } from '../../../scripts/twin/dialect.ts'
import { startTwin, type Twin } from '../../../scripts/twin/twin.ts'
import type { ProcessorName } from '../../src/billing/billing-event.ts'
import { closeAfterTests, type Transport } from '../support/database.ts'
import { bearer, SECRETS, startTestApp, type TestApp, testEnvironment, type TokenOptions } from './test-app.ts'

/**
 * BillingApp is a test application beside an offline twin of all three processors, whose clock stands until `sync` brings
 * it to Parley's time. Webhooks arrive only when a test asks for that: `deliver`.
 */
export type BillingApp = TestApp & {
  twin: Twin
  url: string
  /** as sends requests of a user; a body goes along where one is given. */
  as(user: string, token?: TokenOptions): (method: 'get' | 'post' | 'put' | 'delete', path: string, body?: object) => Promise<Response>
  /** pay pays a purchase at its processor's page, by Parley's id of it. */
  pay(checkoutId: string, card?: Card): Promise<boolean>
  /** subscribe buys a plan and confirms the purchase; no webhook has arrived then. */
  subscribe(user: string, purchase: { plan: string; interval?: 'month' | 'year'; processor?: ProcessorName }, card?: Card): Promise<void>
  sync(): Promise<void>
  deliver(): Promise<void>
}

const KEYS = { stripe: 'sk_test_twin_of_the_tests', paddle: 'pdl_sdbx_apikey_twin_of_the_tests', razorpay: 'twin_of_the_tests' }

/** startBillingApp starts both; they stop when the test file ends. */
export async function startBillingApp(transport: Transport = 'pg'): Promise<BillingApp> {
  // The twin must know where to deliver, and the application where the twin is.
  const late: { handler?: RequestListener } = {}
  const server = createServer((req, res) => late.handler?.(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  const url = `http://127.0.0.1:${address.port}`

  const bare = await startTestApp()
  const prices = await pricesOf(bare)
  const twin = await startTwin({
    parleyUrl: url,
    secrets: { stripe: SECRETS.stripe, paddle: SECRETS.paddle, razorpay: SECRETS.razorpay },
    apiKeys: KEYS,
    prices: { stripe: twinPrices('stripe', prices), paddle: twinPrices('paddle', prices), razorpay: twinPrices('razorpay', prices) },
    seed: 'http tests',
    clock: 'standing'
  })
  closeAfterTests(async () => {
    await twin.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const app = await startTestApp({
    transport,
    environment: testEnvironment({
      STRIPE_SECRET_KEY: KEYS.stripe,
      STRIPE_API_URL: twin.urls.stripe,
      PADDLE_API_KEY: KEYS.paddle,
      PADDLE_API_URL: twin.urls.paddle,
      RAZORPAY_KEY_ID: TWIN_KEY_ID,
      RAZORPAY_KEY_SECRET: KEYS.razorpay,
      RAZORPAY_ACCOUNT_ID: TWIN_ACCOUNT_ID,
      RAZORPAY_API_URL: twin.urls.razorpay,
      SANDBOX_URL: twin.urls.control,
      PUBLIC_URL: 'http://parley.test',
      RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '100000'
    })
  })
  late.handler = app.app

  const as: BillingApp['as'] = (user, token) => async (method, path, body) => {
    const asked = request(app.app)[method](path).set(await bearer(user, token))
    return body === undefined ? asked : asked.send(body)
  }
  const client = await app.database.connect()
  const sync = (): Promise<void> => twin.advanceTo(app.parts.nowMs())
  const pay: BillingApp['pay'] = async (checkoutId, card = 'good') => {
    const { rows } = await client.query('select processor, processor_checkout_id as id from app.checkouts where id = $1', [checkoutId])
    const { processor, id } = z.object({ processor: z.enum(['stripe', 'paddle', 'razorpay']), id: z.string() }).parse(rows[0])
    return twin.dialect(processor).control.pay(id, card)
  }
  return {
    ...app,
    twin,
    url,
    as,
    sync,
    pay,
    deliver: () => twin.deliver(),
    async subscribe(user, { plan, interval = 'month', processor = 'stripe' }, card) {
      const checkout = await as(user)('post', '/api/billing/checkout', { plan, interval, processor })
      if (checkout.status !== 201) throw new Error(`The checkout answered ${checkout.status}: ${checkout.text}`)
      await pay(checkout.body.checkoutId, card)
      const confirmed = await as(user)('get', `/api/billing/checkout/${checkout.body.checkoutId}`)
      if (confirmed.body.status !== 'complete') {
        throw new Error(`The purchase is not complete: ${confirmed.text}\n${app.log.filter((line) => line.includes('"err"')).join('')}`)
      }
    }
  }
}

async function pricesOf({ database }: TestApp) {
  const client = await database.connect()
  const { rows } = await client.query('select * from api.list_plan_prices()')
  return z.array(planPriceSchema).parse(rows)
}
