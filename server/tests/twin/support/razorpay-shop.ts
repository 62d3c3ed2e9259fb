import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Razorpay from 'razorpay'
import { z } from 'zod'
import type { Dialect, TwinPrice } from '../../../../scripts/twin/dialect.ts'
import { createRazorpayDialect } from '../../../../scripts/twin/razorpay/razorpay.ts'
import { createFakeWorld, type FakeWorld } from './fake-world.ts'

export const KEY_SECRET = 'twin-key-secret'

/** PRICES are a catalog as the twin is seeded with it. */
export const PRICES: TwinPrice[] = (['starter', 'growth'] as const).flatMap((plan) => {
  const amountMinor = { starter: 1900, growth: 7900 }[plan]
  const shared = { plan, planName: plan, currency: 'USD', trialDays: 0 }
  return [
    { ...shared, id: `plan_${plan}_monthly`, interval: 'month' as const, amountMinor },
    { ...shared, id: `plan_${plan}_yearly`, interval: 'year' as const, amountMinor: Math.round(amountMinor * 12 * 0.85) }
  ]
})

const entity = z.looseObject({})
const eventSchema = z.object({
  entity: z.literal('event'),
  account_id: z.string(),
  event: z.string(),
  contains: z.array(z.string()),
  payload: z.record(z.string(), z.object({ entity })),
  created_at: z.int()
})

/** RazorpayEvent is one webhook's body, parsed. */
export type RazorpayEvent = z.infer<typeof eventSchema>

/** RazorpayShop is the dialect behind a local port, with the unmodified SDK pointed at it. */
export type RazorpayShop = {
  world: FakeWorld
  dialect: Dialect
  origin: string
  razorpay: Razorpay
  /** client is another SDK with the secret that is given. */
  client(secret: string): Razorpay
  /** told empties what was sent and returns it parsed. */
  told(): RazorpayEvent[]
  /** step moves the clock to a time, stopping at everything due on the way. */
  step(untilMs: number): void
  close(): Promise<void>
}

/** openShop starts one with the catalog; `startMs` is the twin's time. */
export async function openShop(startMs?: number): Promise<RazorpayShop> {
  const world = createFakeWorld(startMs)
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dialect = createRazorpayDialect({ world, origin, apiKey: KEY_SECRET })
  app.use(dialect.router)
  dialect.seed(PRICES)
  const client = (secret: string): Razorpay => pointedAt(origin, secret)
  return {
    world,
    dialect,
    origin,
    client,
    razorpay: client(KEY_SECRET),
    told: () => world.take().map(({ body }) => eventSchema.parse(JSON.parse(body))),
    step(untilMs) {
      for (let due = dialect.nextDue(); due !== null && due <= untilMs; due = dialect.nextDue()) {
        world.setNow(Math.max(due, world.nowMs()))
        dialect.runDue()
      }
      world.setNow(untilMs)
    },
    close: () => closed(server)
  }
}

function pointedAt(origin: string, secret: string): Razorpay {
  const razorpay = new Razorpay({ key_id: 'rzp_test_twin', key_secret: secret })
  // Not in the SDK's types: its only way to another host.
  const { api } = razorpay as unknown as { api: { rq: { defaults: { baseURL: string } } } }
  api.rq.defaults.baseURL = origin
  return razorpay
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())))
}

/** istDate writes Unix seconds as date and time in India. */
export function istDate(seconds: number | null | undefined): string | null {
  if (seconds === null || seconds === undefined) return null
  return new Date((seconds + 19_800) * 1000).toISOString().slice(0, 16).replace('T', ' ')
}

/** refusalOf waits for a call to be refused and returns what the SDK throws. */
export async function refusalOf(call: Promise<unknown>): Promise<{ statusCode: number; error: Record<string, unknown> }> {
  try {
    await call
  } catch (error) {
    return z.object({ statusCode: z.int(), error: z.record(z.string(), z.unknown()) }).parse(error)
  }
  throw new Error('The call was not refused.')
}
