import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeSecrets } from '../../../scripts/embedded/secrets.ts'
import { composeScenario } from '../../../scripts/webhook/compose.ts'
import { TWIN_ACCOUNT_ID } from '../../../scripts/twin/razorpay/context.ts'
import { WEBHOOK_PROCESSORS } from '../../../scripts/webhook/delivery.ts'
import type { WebhookProcessor } from '../../../scripts/webhook/delivery.ts'
import { addInterval, WEBHOOK_EVENTS } from '../../../scripts/webhook/scenario.ts'
import type { WebhookEvent } from '../../../scripts/webhook/scenario.ts'
import { sendWebhook } from '../../../scripts/webhook/send.ts'
import type { BillingEvent, Normalised } from '../../src/billing/billing-event.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'

const COMMAND = resolve(import.meta.dirname, '../../../scripts/webhook.ts')
const dataFolder = mkdtempSync(join(tmpdir(), 'parley-webhook-'))
const secrets = await makeSecrets()
writeFileSync(join(dataFolder, 'secrets.json'), JSON.stringify(secrets))
const processors = {
  stripe: createStripe({ webhookSecrets: [secrets.stripeWebhookSecret], apiKey: null }),
  paddle: createPaddle({ webhookSecrets: [secrets.paddleWebhookSecret], apiKey: null, environment: 'sandbox' }),
  razorpay: createRazorpay({
    webhookSecrets: [secrets.razorpayWebhookSecret],
    keyId: null,
    keySecret: null,
    accountId: TWIN_ACCOUNT_ID
  })
}

const received: Normalised[] = []
let url = ''

/** The server under the command: verifies and normalises as Parley does, and keeps what it was told. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const processor = processors[WEBHOOK_PROCESSORS.find((name) => request.url === `/webhooks/${name}`) ?? 'stripe']
    const rawBody = Buffer.concat(chunks)
    const verdict = processor.verify({ rawBody, headers: request.headers, nowMs: Date.now() })
    if (verdict.valid) received.push(processor.normalise(rawBody.toString('utf8')))
    response.writeHead(verdict.valid ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(verdict))
  })
})

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (address !== null && typeof address === 'object') url = `http://127.0.0.1:${address.port}`
})

afterAll(async () => {
  await new Promise((closed) => server.close(closed))
  rmSync(dataFolder, { recursive: true })
})

const NO_SETTINGS = { STRIPE_WEBHOOK_SECRET: '', PADDLE_WEBHOOK_SECRET: '', RAZORPAY_WEBHOOK_SECRET: '', RAZORPAY_ACCOUNT_ID: '' }

async function webhook(words: string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [COMMAND, ...words], {
    env: { PATH: process.env['PATH'], DATA_DIR: dataFolder, ...NO_SETTINGS, ...environment }
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((ended) => child.on('close', ended))
  return { code, output }
}

async function told(...words: string[]): Promise<BillingEvent> {
  const { code, output } = await webhook([...words, '--url', url])
  if (code !== 0) throw new Error(output)
  const last = received.at(-1)
  if (last?.outcome !== 'event') throw new Error(JSON.stringify(last))
  return last.event
}

describe('npm run webhook', () => {
  test('tells a server, signed with its local secret, what happened, and prints the answer', async () => {
    const { code, output } = await webhook(['stripe', 'created', '--account', 'user_one', '--plan', 'starter', '--url', url])
    expect(output).toMatch(/answer 200 .*"valid":true/)
    expect(code).toBe(0)
    expect(received.at(-1)).toMatchObject({
      outcome: 'event',
      event: { accountId: 'user_one', status: 'active', items: [{ priceId: 'price_starter_monthly' }] }
    })
  })

  test.each(WEBHOOK_PROCESSORS)('later %s events speak of the plan and the period told before', async (processor) => {
    const account = ['--account', `user_later_${processor}`]
    const start = '2026-01-31T10:00:00Z'
    const created = await told(processor, 'created', ...account, '--plan', 'growth', '--interval', 'year', '--period-start', start)
    expect(created.items[0]?.priceId).toMatch(/growth_yearly$/)
    const paid = await told(processor, 'paid', ...account)
    expect(paid).toMatchObject({ kind: 'payment', subscriptionId: created.subscriptionId, items: created.items })
    const renewed = await told(processor, 'renewed', ...account, '--period-start', '2027-01-31T10:00:00Z')
    expect(renewed.items[0]?.periodStart).toMatch('2027-01-31T10:00:00')
    expect((await told(processor, 'resumed', ...account)).items).toEqual(renewed.items)
  })

  test('every word on the command line arrives', async () => {
    const event = await told(
      'stripe', 'updated', '--account', 'org_words', '--price', 'price_own', '--plan', 'starter', '--subscription', 'sub_own',
      '--customer', 'cus_own', '--event-id', 'evt_own', '--occurred-at', '2026-02-03T04:05:06Z', '--shape', 'old'
    )
    expect(event).toMatchObject({
      eventId: 'evt_own',
      occurredAt: '2026-02-03T04:05:06.000Z',
      customerId: 'cus_own',
      subscriptionId: 'sub_own',
      items: [{ priceId: 'price_own', periodStart: '2026-02-03T04:05:06.000Z', periodEnd: '2026-03-03T04:05:06.000Z' }]
    })
  })

  test('Razorpay tells its story from the first payment to the end, in periods that end at midnight in India', async () => {
    const account = ['--account', 'alice']
    const at = (time: string): string[] => ['--occurred-at', time]
    const created = await told('razorpay', 'created', ...account, '--plan', 'starter', ...at('2026-01-31T10:00:00Z'))
    const items = [{ priceId: 'plan_starter_monthly', periodStart: '2026-01-31T10:00:00.000Z', periodEnd: '2026-02-27T18:30:00.000Z' }]
    expect(created).toMatchObject({ eventType: 'subscription.activated', status: 'active', accountId: 'alice', items })
    const renewed = await told('razorpay', 'renewed', ...account, ...at('2026-02-27T18:30:00Z'))
    expect(renewed).toMatchObject({
      eventType: 'subscription.charged',
      payment: 'paid',
      subscriptionId: created.subscriptionId,
      items: [{ periodStart: '2026-02-27T18:30:00.000Z', periodEnd: '2026-03-27T18:30:00.000Z' }]
    })
    expect(await told('razorpay', 'past_due', ...account)).toMatchObject({ status: 'past_due', items: renewed.items })
    expect(await told('razorpay', 'canceled', ...account)).toMatchObject({ status: 'canceled' })
  })

  test('a Razorpay event is of the configured account, and the same words twice are one event', async () => {
    const words = ['razorpay', 'paid', '--account', 'user_twice', '--plan', 'starter', '--event-id', 'evt_twice']
    const at = ['--occurred-at', '2026-02-03T04:05:06Z']
    const first = await told(...words, ...at)
    expect((await told(...words, ...at)).eventId).toBe(first.eventId)
    const other = await webhook([...words, ...at, '--url', url], { RAZORPAY_ACCOUNT_ID: 'acc_another' })
    expect(other.code).toBe(0)
    expect(received.at(-1)).toMatchObject({ outcome: 'ignored', reason: expect.stringContaining('another Razorpay account') })
  })

  test('a refusal of the server is the exit code, and nothing is remembered of it', async () => {
    const words = ['paddle', 'created', '--account', 'user_refused', '--plan', 'starter', '--url', url]
    const refused = await webhook(words, { PADDLE_WEBHOOK_SECRET: 'another' })
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('answer 401') })
    const later = await webhook(['paddle', 'paid', '--account', 'user_refused', '--url', url])
    expect(later).toEqual({ code: 1, output: expect.stringContaining('Name the plan') })
  })

  test('a missing secret, a missing server and a wrong word are one clear sentence each', async () => {
    const words = ['stripe', 'created', '--account', 'user_1', '--plan', 'starter', '--url', 'http://127.0.0.1:9']
    expect(await webhook(words, { DATA_DIR: join(dataFolder, 'absent') })).toEqual({
      code: 1,
      output: expect.stringMatching(/^There is no secret to sign with: set STRIPE_WEBHOOK_SECRET.*\n$/)
    })
    expect(await webhook(words)).toEqual({ code: 1, output: expect.stringMatching(/^Nothing answers at .*\n$/) })
    expect(await webhook(['stripe', 'exploded', '--account', 'user_1'])).toMatchObject({ code: 1, output: expect.stringContaining('checkout') })
    expect(await webhook(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--period-start') })
  })
})

describe('every event the command knows', () => {
  async function send(processor: WebhookProcessor, event: WebhookEvent, shape: 'old' | 'current' = 'current') {
    const request = { processor, event, account: 'org_every', plan: 'starter', shape }
    const { scenario } = composeScenario(request, null, new Date())
    const answer = await sendWebhook(processor, scenario, { url, secret: secrets[`${processor}WebhookSecret`] })
    expect(answer).toEqual({ status: 200, body: '{"valid":true}' })
    return received.at(-1)
  }

  test.each(WEBHOOK_EVENTS)('%s is understood from Stripe, in both shapes', async (event) => {
    for (const shape of ['old', 'current'] as const) {
      expect(await send('stripe', event, shape)).toMatchObject({ outcome: 'event', event: { accountId: 'org_every' } })
    }
  })

  test.each(WEBHOOK_EVENTS.filter((event) => event !== 'payment_failed'))('%s is understood from Paddle', async (event) => {
    expect(await send('paddle', event)).toMatchObject({ outcome: 'event', event: { accountId: 'org_every' } })
  })

  test.each(WEBHOOK_EVENTS.filter((event) => event !== 'payment_failed'))('%s is understood from Razorpay', async (event) => {
    expect(await send('razorpay', event)).toMatchObject({ outcome: 'event', event: { accountId: 'org_every' } })
  })

  test('payment_failed from Razorpay is ignored: subscription.pending tells it', async () => {
    expect(await send('razorpay', 'payment_failed')).toMatchObject({ outcome: 'ignored', eventType: 'payment.failed' })
  })

  test('payment_failed from Paddle is ignored: subscription.past_due tells it', async () => {
    expect(await send('paddle', 'payment_failed')).toMatchObject({ outcome: 'ignored', eventType: 'transaction.payment_failed' })
  })
})

test.each([
  ['2026-01-31T10:00:00Z', 'month', '2026-02-28T10:00:00.000Z'],
  ['2024-01-31T23:30:00Z', 'month', '2024-02-29T23:30:00.000Z'],
  ['2026-12-31T00:00:00Z', 'month', '2027-01-31T00:00:00.000Z'],
  ['2024-02-29T10:00:00Z', 'year', '2025-02-28T10:00:00.000Z'],
  ['2026-02-15T10:00:00Z', 'month', '2026-03-15T10:00:00.000Z']
] as const)('a period from %s of a %s ends %s', (start, interval, end) => {
  expect(addInterval(new Date(start), interval).toISOString()).toBe(end)
})
