import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Environment } from '@paddle/paddle-node-sdk'
import { LogLevel, Paddle } from '@paddle/paddle-node-sdk'
import express from 'express'
import type { Card, Dialect, TwinPrice, TwinSubscription } from '../../../../scripts/twin/dialect.ts'
import { createPaddleDialect } from '../../../../scripts/twin/paddle/paddle.ts'
import { createFakeWorld } from './fake-world.ts'
import type { FakeWorld } from './fake-world.ts'

/** PADDLE_PRICES is the part of Parley's catalog that the tests buy. */
export const PADDLE_PRICES: TwinPrice[] = [
  price('starter', 'month', 1900),
  price('starter', 'year', 19_380),
  price('growth', 'month', 7900),
  price('growth', 'year', 80_580),
  { ...price('growth', 'month', 7900), id: 'pri_growth_monthly_trial', trialDays: 14 }
]

/** Notification is one webhook of Paddle's, as it was sent. */
export type Notification = {
  event_id: string
  event_type: string
  occurred_at: string
  notification_id: string
  data: Record<string, unknown> & { id: string; status: string }
}

/** PaddleShop is a twin on a port of its own with the unmodified SDK before it. */
export type PaddleShop = {
  world: FakeWorld
  dialect: Dialect
  paddle: Paddle
  origin: string
  /** clientWith is the SDK with another key. */
  clientWith(key: string): Paddle
  /** buy makes a checkout with the SDK and pays it; it returns the subscription. */
  buy(priceId?: string, card?: Card, account?: string): Promise<TwinSubscription>
  /** step moves the clock to `ms`, standing still at everything that is due on the way. */
  step(ms: number): void
  /** jump moves the clock to `ms` at once and then does all that is due. */
  jump(ms: number): void
  /** told are the notifications sent since it was last asked. */
  told(): Notification[]
  /** truth is how the twin's only, or first, subscription stands. */
  truth(id?: string): TwinSubscription
  close(): Promise<void>
}

/** openPaddleShop starts the twin on a free port. */
export async function openPaddleShop(startMs?: number): Promise<PaddleShop> {
  const world = createFakeWorld(startMs)
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dialect = createPaddleDialect({ world, origin, apiKey: 'pdl_twin' })
  app.use(dialect.router)
  dialect.seed(PADDLE_PRICES)
  const clientWith = (key: string) => new Paddle(key, { environment: origin as Environment, logLevel: LogLevel.none })
  const paddle = clientWith('pdl_twin')
  const shop: PaddleShop = {
    world,
    dialect,
    paddle,
    origin,
    clientWith,
    async buy(priceId = 'pri_starter_monthly', card = 'good', account = 'account-1') {
      const items = [{ priceId, quantity: 1 }]
      const { id } = await paddle.transactions.create({ items, customData: { account_id: account, checkout_id: 'checkout-1' } })
      if (!dialect.control.pay(id, card)) throw new Error('the card was declined')
      const bought = dialect.subscriptions().at(-1)
      if (!bought) throw new Error('paying made no subscription')
      return bought
    },
    step(ms) {
      for (let due = dialect.nextDue(); due !== null && due <= ms; due = dialect.nextDue()) {
        world.setNow(Math.max(due, world.nowMs()))
        dialect.runDue()
      }
      world.setNow(ms)
    },
    jump(ms) {
      world.setNow(ms)
      dialect.runDue()
    },
    told: () => world.take().map(({ body }) => JSON.parse(body) as Notification),
    truth(id) {
      const found = dialect.subscriptions().find((one) => id === undefined || one.subscriptionId === id)
      if (!found) throw new Error(`no subscription ${id}`)
      return found
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
  return shop
}

/** typesOf names what was told, in order. */
export function typesOf(notifications: Notification[]): string[] {
  return notifications.map(({ event_type }) => event_type)
}

/** at writes a UTC time as Paddle does: `at('2026-02-28T10:00')`. */
export function at(minute: string): string {
  return `${minute}:00.000000Z`
}

function price(plan: string, interval: 'month' | 'year', amountMinor: number): TwinPrice {
  const id = `pri_${plan}_${interval}ly`
  return { id, plan, planName: plan.toUpperCase(), interval, amountMinor, currency: 'USD', trialDays: 0 }
}
