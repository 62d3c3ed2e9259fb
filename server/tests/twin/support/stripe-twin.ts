import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Stripe from 'stripe'
import type { TwinPrice } from '../../../../scripts/twin/dialect.ts'
import { createStripeDialect } from '../../../../scripts/twin/stripe/stripe.ts'
import type { StripeDialect, StripeDialectOptions } from '../../../../scripts/twin/stripe/stripe.ts'
import { createFakeWorld } from './fake-world.ts'
import type { FakeWorld } from './fake-world.ts'

export const API_KEY = 'sk_test_twin'

/** PRICES are two plans, monthly and yearly. */
export const PRICES: TwinPrice[] = (['starter', 'growth', 'enterprise'] as const).flatMap((plan, place) => {
  const monthly = [1900, 7900, 39_900][place] ?? 0
  const shared = { plan, planName: plan, currency: 'USD', trialDays: 0 }
  return [
    { ...shared, id: `price_${plan}_monthly`, interval: 'month', amountMinor: monthly },
    { ...shared, id: `price_${plan}_yearly`, interval: 'year', amountMinor: Math.round(monthly * 12 * 0.85) }
  ] satisfies TwinPrice[]
})

/** StripeTwin is an offline Stripe that listens, with the unmodified SDK beside it. */
export type StripeTwin = { world: FakeWorld; dialect: StripeDialect; stripe: Stripe; origin: string; close(): Promise<void> }

/** startStripeTwin starts one on a free port; the clock stands at `startMs`. */
export async function startStripeTwin(startMs?: number, options: Partial<StripeDialectOptions> = {}): Promise<StripeTwin> {
  const world = createFakeWorld(startMs)
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const dialect = createStripeDialect({ world, origin, apiKey: API_KEY, ...options })
  app.use(dialect.router)
  dialect.seed(PRICES)
  const stripe = new Stripe(API_KEY, {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    timeout: 5000,
    telemetry: false
  })
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { world, dialect, stripe, origin, close }
}

/** subscribe goes through a checkout with the SDK and pays; it gives the subscription's id. */
export async function subscribe(
  { stripe, dialect }: StripeTwin,
  wish: { price?: string; card?: 'good' | 'declined_later'; trialDays?: number } = {}
): Promise<string> {
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: wish.price ?? 'price_starter_monthly', quantity: 1 }],
    client_reference_id: 'org_1',
    metadata: { account_id: 'org_1' },
    subscription_data: { metadata: { account_id: 'org_1' }, ...(wish.trialDays ? { trial_period_days: wish.trialDays } : {}) },
    success_url: 'http://parley.test/return?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://parley.test/plans'
  })
  if (!dialect.control.pay(session.id, wish.card ?? 'good')) throw new Error('The card was declined.')
  const { subscription } = await stripe.checkout.sessions.retrieve(session.id)
  if (typeof subscription !== 'string') throw new Error('The checkout made no subscription.')
  return subscription
}

/** passTo moves the clock to `ms`, stopping at each time at which something is due, as the running twin does. */
export function passTo({ world, dialect }: Pick<StripeTwin, 'world' | 'dialect'>, ms: number): void {
  for (let due = dialect.nextDue(); due !== null && due <= ms; due = dialect.nextDue()) {
    world.setNow(Math.max(due, world.nowMs()))
    dialect.runDue()
  }
  world.setNow(ms)
}

/** typesOf gives the types of what was sent and takes it. */
export function typesOf(world: FakeWorld): string[] {
  return world.take().map(({ eventType }) => eventType)
}

/** idOf gives the id of what an answer names, be it an id or the object itself. */
export function idOf(reference: string | { id: string } | null | undefined): string {
  return typeof reference === 'string' ? reference : (reference?.id ?? '')
}
