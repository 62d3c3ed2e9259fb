import express from 'express'
import type { ProcessorName } from '../../../src/billing/billing-event.ts'
import type { Dialect, DialectOptions, TwinPrice, TwinSubscription } from '../../../../scripts/twin/dialect.ts'
import { perProcessor } from '../../../../scripts/twin/processors.ts'
import { startTwin, type Twin, type TwinOptions } from '../../../../scripts/twin/twin.ts'
import { closeAfterTests } from '../../support/database.ts'

/** START is when the clocks of these tests begin. */
export const START = Date.UTC(2026, 0, 31, 10)

/** HOUR and DAY in milliseconds. */
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

type State = { things: string[]; dueMs: number[] }

/**
 * FakeDialect is a processor whose only things are names: `POST /things {name}` makes one and tells it by webhook, and one
 * that is `plan`ned appears by itself at its time. `retries` are the pauses after each attempt, then it gives up.
 */
export type FakeDialect = Dialect & {
  things: string[]
  seeded: TwinPrice[]
  retries: number[]
  plan(atMs: number): void
  /** tell sends one webhook with this body. */
  tell(body: string, group?: string): void
}

/** createFakeDialect makes one by the name of a real processor. */
export function createFakeDialect(name: ProcessorName, { world }: DialectOptions, journal: string[] = []): FakeDialect {
  let state: State = { things: [], dueMs: [] }
  const seeded: TwinPrice[] = []
  const tell = (body: string, group = body): void => {
    world.send({ processor: name, eventId: world.id('evt_'), eventType: 'thing.made', body, group })
    world.changed()
  }
  const unknown = (): never => {
    throw new Error('There is no subscription of that name.')
  }
  const router = express.Router()
  router.use(express.json())
  router.post('/things', (req, res) => {
    const thing = String(req.body.name)
    state.things.push(thing)
    tell(thing)
    res.json({ made: thing })
  })
  router.get('/things', (_req, res) => {
    res.json(state.things)
  })
  const dialect: FakeDialect = {
    name,
    router,
    control: {
      pay: (checkoutId, card) => {
        tell(`paid ${checkoutId}`)
        return card === 'good'
      },
      setCard: unknown, cancel: unknown, pause: unknown, resume: unknown, changePrice: unknown,
      refund: (subscriptionId, amountMinor) => `re_${subscriptionId}_${amountMinor ?? 'all'}`,
      dispute: unknown, closeDispute: unknown, deleteCustomer: unknown
    },
    get things() {
      return state.things
    },
    seeded,
    retries: [],
    seed: (prices) => void seeded.push(...prices),
    nextDue: () => (state.dueMs.length === 0 ? null : Math.min(...state.dueMs)),
    runDue() {
      const due = state.dueMs.filter((ms) => ms <= world.nowMs()).sort((a, b) => a - b)
      state.dueMs = state.dueMs.filter((ms) => ms > world.nowMs())
      for (const ms of due) {
        journal.push(`${name} at ${new Date(world.nowMs()).toISOString()}`)
        tell(`${name} ${new Date(ms).toISOString()}`)
      }
    },
    subscriptions: () => state.things.map((thing) => subscriptionOf(name, thing)),
    save: () => state,
    load: (saved) => {
      if (typeof saved !== 'object' || saved === null || !('things' in saved)) throw new Error('That is no state of a fake dialect.')
      state = structuredClone(saved) as State
    },
    requestHeaders: ({ body, eventId, secret, nowMs }) => ({ 'X-Signed': `${secret} ${eventId} ${encodeURIComponent(body)}`, 'X-Signed-At': String(nowMs) }),
    retryAfterMs: (attempt) => dialect.retries[attempt - 1] ?? null,
    plan(atMs) {
      state.dueMs.push(atMs)
      world.changed()
    },
    tell
  }
  return dialect
}

function subscriptionOf(processor: ProcessorName, subscriptionId: string): TwinSubscription {
  const nothing = { accountId: null, periodStart: null, periodEnd: null, cancelsAt: null }
  return { processor, subscriptionId, customerId: 'cus_1', status: 'active', priceId: 'price_1', ...nothing }
}

/** FakeTwin is a twin of fake dialects; `journal` tells which of them did what was due, and at which time of the clock. */
export type FakeTwin = Twin & { fakes: Record<ProcessorName, FakeDialect>; journal: string[] }

/** startFakeTwin starts one whose clock stands at {@link START}; it is stopped after the tests of the file. */
export async function startFakeTwin(parleyUrl: string, change: Partial<TwinOptions> = {}): Promise<FakeTwin> {
  const journal: string[] = []
  const made = new Map<ProcessorName, FakeDialect>()
  const dialects = perProcessor((name) => (options: DialectOptions) => {
    const dialect = createFakeDialect(name, options, journal)
    made.set(name, dialect)
    return dialect
  })
  const twin = await startTwin({
    parleyUrl,
    secrets: perProcessor((name) => `secret of ${name}`),
    apiKeys: perProcessor((name) => `key of ${name}`),
    prices: perProcessor(() => []),
    startMs: START,
    seed: 'these tests',
    clock: 'standing',
    concurrency: 1,
    dialects,
    ...change
  })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    await twin.stop()
  }
  closeAfterTests(stop)
  const fakes = perProcessor((name) => {
    const fake = made.get(name)
    if (fake === undefined) throw new Error(`The twin made no ${name}.`)
    return fake
  })
  return { ...twin, stop, fakes, journal }
}
