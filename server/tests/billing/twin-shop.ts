import express from 'express'
import { listen } from '../../../scripts/twin/listen.ts'
import { createPaddleDialect } from '../../../scripts/twin/paddle/paddle.ts'
import { createRazorpayDialect } from '../../../scripts/twin/razorpay/razorpay.ts'
import { createStripeDialect } from '../../../scripts/twin/stripe/stripe.ts'
import type { Dialect, TwinPrice, TwinSubscription, World } from '../../../scripts/twin/dialect.ts'
import { sandboxPriceId } from '../../../scripts/twin/catalog.ts'
import { createWorld } from '../../../scripts/twin/world.ts'
import type { BillingEvent, ProcessorName } from '../../src/billing/billing-event.ts'
import type { Processor, ProcessorApi } from '../../src/billing/processor.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import type { Told } from './twin-ledger.ts'

/** Teller is a processor and the shape it tells its events in. */
export type Teller = { name: ProcessorName; shape: 'current' | '2024' }

/**
 * TwinShop is one processor of the offline twin with Parley's own adapter before it, on a clock that stands.
 * - `buy` goes through a checkout that Parley makes, and pays it.
 * - `pass` lets time go by up to an instant, doing what is due when it is due.
 * - `ask` makes a call of Parley's; what it answers is told, too.
 * - `told` takes what was said since it was last asked.
 */
export type TwinShop = {
  processor: Processor
  api: ProcessorApi
  control: Dialect['control']
  nowMs(): number
  price(plan: string, interval?: 'month' | 'year'): string
  buy(accountId: string, purchase: { plan: string; trialDays?: number }): Promise<string>
  pass(instant: string): void
  ask(name: string, call: (api: ProcessorApi) => Promise<BillingEvent>): Promise<void>
  told(): Told[]
  truth(): TwinSubscription[]
  close(): Promise<void>
}

const KEYS = { stripe: 'sk_test_orders', paddle: 'pdl_sdbx_orders', razorpay: 'orders' }

/** openShop starts it on a free port at `startMs`, with these prices. */
export async function openShop(teller: Teller, prices: TwinPrice[], startMs: number): Promise<TwinShop> {
  const sent: Parameters<World['send']>[0][] = []
  // Its ids are random ones, so that their order tells nothing about time.
  const send: World['send'] = (webhook) => void sent.push(webhook)
  const world = createWorld({ startMs, seed: 'twin orders', standing: true, send, changed: () => undefined })
  const app = express()
  const listener = await listen(app)
  const options = { world, origin: listener.origin, apiKey: KEYS[teller.name] }
  const dialect = {
    stripe: () => createStripeDialect({ ...options, payloadShape: teller.shape }),
    paddle: () => createPaddleDialect(options),
    razorpay: () => createRazorpayDialect(options)
  }[teller.name]()
  app.use(dialect.router)
  dialect.seed(prices)
  const processor = adapterOf(teller.name, listener.origin, () => world.nowMs())
  const { api } = processor
  if (api === null) throw new Error('The adapter has no key.')
  const answers: Told[] = []
  return {
    processor,
    api,
    control: dialect.control,
    nowMs: () => world.nowMs(),
    price: (plan, interval = 'month') => sandboxPriceId(teller.name, plan, interval),
    async buy(accountId, { plan, trialDays = 0 }) {
      // At Paddle a trial belongs to the price.
      const suffix = teller.name === 'paddle' && trialDays > 0 ? '_trial' : ''
      const checkout = await api.createCheckout(
        {
          accountId,
          checkoutId: `checkout-${accountId}`,
          customerId: null,
          priceId: `${sandboxPriceId(teller.name, plan, 'month')}${suffix}`,
          trialDays,
          returnUrl: 'https://parley.test/return',
          cancelUrl: 'https://parley.test/plans',
          expiresAt: new Date(world.nowMs() + 3_600_000).toISOString()
        },
        `buy ${accountId}`
      )
      if (!dialect.control.pay(checkout.id, 'good')) throw new Error('The card was declined.')
      const bought = dialect.subscriptions().find((one) => one.accountId === accountId)
      if (!bought) throw new Error('The purchase made no subscription.')
      return bought.subscriptionId
    },
    pass(instant) {
      const untilMs = Date.parse(instant)
      for (let due = dialect.nextDue(); due !== null && due <= untilMs; due = dialect.nextDue()) {
        world.hold(Math.max(due, world.nowMs()))
        dialect.runDue()
      }
      world.hold(untilMs)
    },
    async ask(name, call) {
      const event = await call(api)
      answers.push({ name: `answer: ${name}`, normalised: { outcome: 'event', event }, payload: JSON.stringify(event) })
    },
    told() {
      const webhooks = sent.splice(0).map(({ body, eventType }): Told => {
        return { name: eventType, normalised: processor.normalise(body), payload: body }
      })
      return [...webhooks, ...answers.splice(0)]
    },
    truth: () => dialect.subscriptions(),
    close: () => listener.close()
  }
}

function adapterOf(name: ProcessorName, apiUrl: string, nowMs: () => number): Processor {
  const shared = { webhookSecrets: ['unused'], apiUrl, nowMs }
  if (name === 'stripe') return createStripe({ ...shared, apiKey: KEYS.stripe })
  if (name === 'paddle') return createPaddle({ ...shared, apiKey: KEYS.paddle, environment: 'sandbox' })
  return createRazorpay({ ...shared, keyId: 'rzp_test_twin', keySecret: KEYS.razorpay })
}
