import { randomUUID } from 'node:crypto'
import express, { type Express } from 'express'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import { answerFaults } from './answer-faults.ts'
import { controlApp } from './control-app.ts'
import { createDeliveries } from './deliveries.ts'
import type { Endpoint } from './delivery-queue.ts'
import type { Dialect, DialectOptions, TwinPrice } from './dialect.ts'
import { type Faults, NO_FAULTS } from './faults.ts'
import { listen, type Listener } from './listen.ts'
import { perProcessor, PROCESSORS } from './processors.ts'
import { seededRandom } from './random.ts'
import { createTimeline } from './timeline.ts'
import { delaySave, readTwinState, type TwinState, unusable, writeTwinState } from './twin-state.ts'
import { whenDue } from './when-due.ts'
import { createWorld } from './world.ts'

/** Listening are the parts of the twin with a port of their own. */
export type Listening = ProcessorName | 'control'

/** MakeDialect makes one processor's part. */
export type MakeDialect = (options: DialectOptions) => Dialect

/**
 * TwinOptions: webhooks go to `<parleyUrl>/webhooks/<processor>`, signed with `secrets`; `apiKeys` open the APIs; `prices`
 * are the catalog, by the ids each processor gives them.
 * - `startMs` is the twin's time (default: now; a state saved at a later time wins), `seed` makes its choices repeatable.
 * - `clock` `running` (default): time goes on, what becomes due happens by itself. `standing`: time moves by `advanceTo`
 *   alone, and webhooks go out only in `advanceTo` and `deliver`.
 * - `beginLater`: a running twin does nothing by itself before `begin`.
 * - `ports` must be free; the others are as in the saved state, or free ones. `stateFile` is read at the start.
 * - `dialects` replaces the real ones, in tests.
 */
export type TwinOptions = {
  parleyUrl: string
  secrets: Record<ProcessorName, string>
  apiKeys: Record<ProcessorName, string>
  prices: Record<ProcessorName, TwinPrice[]>
  startMs?: number
  seed?: string
  clock?: 'running' | 'standing'
  beginLater?: boolean
  ports?: Partial<Record<Listening, number>>
  stateFile?: string
  faults?: Partial<Faults>
  concurrency?: number
  dialects?: Record<ProcessorName, MakeDialect>
  log?: (line: string) => void
}

/**
 * Twin plays the three processors on ports of 127.0.0.1. `faults` may be changed at any time. `advanceTo` does everything due
 * up to a time in order, delivering in between; `deliver` sends what is pending now. `stop` saves the state.
 */
export type Twin = {
  urls: Record<Listening, string>
  faults: Record<ProcessorName, Faults>
  endpoints: Readonly<Record<ProcessorName, Readonly<Endpoint>>>
  nowMs(): number
  nextDue(): number | null
  begin(): void
  advanceTo(ms: number): Promise<void>
  deliver(): Promise<void>
  pendingCount(processor: ProcessorName): number
  enable(processor: ProcessorName): void
  dialect(name: ProcessorName): Dialect
  stop(): Promise<void>
}

/** startTwin starts it. Throws StartError for a state file it cannot read, and Node's error for a given port that is taken. */
export async function startTwin(options: TwinOptions): Promise<Twin> {
  const makers = options.dialects ?? (await import('./dialects.ts')).DIALECTS
  const saved = options.stateFile === undefined ? null : readTwinState(options.stateFile)
  const listeners: Listener[] = []
  try {
    const apps = { ...perProcessor(() => express().disable('x-powered-by')), control: express().disable('x-powered-by') }
    const open = async (name: Listening): Promise<Listener> => {
      const given = options.ports?.[name]
      const listener = await listen(apps[name], given ?? saved?.ports[name], given !== undefined)
      listeners.push(listener)
      return listener
    }
    const opened = { stripe: await open('stripe'), paddle: await open('paddle'), razorpay: await open('razorpay'), control: await open('control') }
    const close = async (): Promise<void> => void (await Promise.all(listeners.map((listener) => listener.close())))
    return assemble({ ...options, makers, saved, apps, listeners: opened, close })
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()))
    throw error
  }
}

type Parts = TwinOptions & {
  makers: Record<ProcessorName, MakeDialect>
  saved: TwinState | null
  apps: Record<Listening, Express>
  listeners: Record<Listening, Listener>
  close(): Promise<void>
}

function assemble(parts: Parts): Twin {
  const { saved, listeners, stateFile } = parts
  const isStanding = parts.clock === 'standing'
  const log = parts.log ?? (() => undefined)
  const seed = parts.seed ?? randomUUID()
  const begunAtMs = Date.now()
  const startMs = parts.startMs ?? begunAtMs
  const faults = perProcessor((): Faults => ({ ...NO_FAULTS, ...parts.faults }))
  // Streams of their own: which ids a dialect gives does not depend on when a webhook was answered.
  const [deliveryRandom, answerRandom] = [seededRandom(`${seed} deliveries`), seededRandom(`${seed} answers`)]

  // Nothing is worth saving, and nothing due, before all parts are there.
  let onChange = (): void => undefined
  const world = createWorld({
    startMs: saved?.nowMs ?? startMs,
    seed,
    standing: isStanding,
    send: (webhook) => deliveries.push(webhook),
    changed: () => onChange()
  })
  if (saved !== null) world.reseed(`${seed} ${saved.nowMs}`)
  const dialects = perProcessor((name) => parts.makers[name]({ world, origin: listeners[name].origin, apiKey: parts.apiKeys[name] }))
  const deliveries = createDeliveries({
    parleyUrl: parts.parleyUrl,
    secrets: parts.secrets,
    signers: dialects,
    faults,
    nowMs: world.nowMs,
    random: deliveryRandom.next,
    concurrency: parts.concurrency ?? 4,
    changed: () => world.changed(),
    log
  })
  const timeline = createTimeline({ world, dialects: PROCESSORS.map((name) => dialects[name]), deliveries })
  const due = whenDue({ timeline, nowMs: world.nowMs, log })
  const saving = delaySave(() => {
    if (stateFile === undefined) return
    const ports = { ...perProcessor((name) => listeners[name].port), control: listeners.control.port }
    writeTwinState(stateFile, { format: 1, nowMs: world.nowMs(), ports, dialects: perProcessor((name) => dialects[name].save()), deliveries: deliveries.save() })
  })

  onChange = () => {
    saving.soon()
    due.look()
  }

  if (saved !== null) {
    try {
      for (const name of PROCESSORS) dialects[name].load(saved.dialects[name])
    } catch (error) {
      throw unusable(stateFile ?? '', error)
    }
    deliveries.load(saved.deliveries)
  }
  for (const name of PROCESSORS) {
    dialects[name].seed(parts.prices[name])
    // What was answered must be there after a kill, as it would be at a processor.
    parts.apps[name].use((_req, res, next) => {
      res.once('finish', () => saving.flush())
      next()
    })
    parts.apps[name].use(answerFaults(name, faults[name], answerRandom.next), dialects[name].router)
  }
  // Until it begins, a running twin that was away stays in the time it was stopped at.
  if (!isStanding) world.hold(world.nowMs())

  const twin: Twin = {
    urls: { ...perProcessor((name) => listeners[name].origin), control: listeners.control.origin },
    faults,
    endpoints: deliveries.endpoints,
    nowMs: world.nowMs,
    nextDue: timeline.nextDue,
    begin() {
      if (isStanding) return
      const elapsedMs = Date.now() - begunAtMs
      due.begin(startMs + elapsedMs)
    },
    async advanceTo(ms) {
      await timeline.advanceTo(ms)
      world.changed()
    },
    deliver: deliveries.deliver,
    pendingCount: (name) => deliveries.pending(name).length,
    enable: deliveries.enable,
    dialect: (name) => dialects[name],
    async stop() {
      due.stop()
      await Promise.all([timeline.stop(), deliveries.stop()])
      await parts.close()
      saving.stop()
    }
  }
  parts.apps.control.use(controlApp(twin, { delivers: !isStanding }))
  if (parts.beginLater !== true) twin.begin()
  return twin
}
