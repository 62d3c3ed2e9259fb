import express, { type ErrorRequestHandler, type RequestHandler, type Router } from 'express'
import { z } from 'zod'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import { isControlAction, runControl } from './control-actions.ts'
import type { Endpoint } from './delivery-queue.ts'
import type { Dialect } from './dialect.ts'
import { type Faults, faultsSchema } from './faults.ts'
import { PROCESSORS } from './processors.ts'

/** Controlled is what the control API needs of the twin. */
export type Controlled = {
  faults: Record<ProcessorName, Faults>
  endpoints: Readonly<Record<ProcessorName, Readonly<Endpoint>>>
  nowMs(): number
  nextDue(): number | null
  advanceTo(ms: number): Promise<void>
  deliver(): Promise<void>
  pendingCount(processor: ProcessorName): number
  enable(processor: ProcessorName): void
  dialect(name: ProcessorName): Pick<Dialect, 'control' | 'subscriptions'>
}

/** ControlRefusal is a request that cannot be done; its message is a sentence for people and its status 4xx. */
class ControlRefusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const advanceSchema = z.strictObject({ to: z.iso.datetime({ offset: true }) })
const faultsRequestSchema = faultsSchema.partial().extend({ processor: z.enum(PROCESSORS).optional() })

// The clocks of Parley and the twin may differ by the time a request takes; more is a mistake of the caller.
const MOST_BACK_MS = 60_000

/**
 * controlApp is the HTTP API by which the twin is driven: `GET /state`, `POST /advance {to}`, `POST /deliver`,
 * `POST /faults {processor?, …}`, `POST /<processor>/enable`, and `POST /<processor>/<function of Control> {…}`. Every answer
 * carries `now` and `nextDue`; a refusal is `{error}` with a sentence. `delivers`: webhooks of an action go out before it is
 * answered.
 */
export function controlApp(twin: Controlled, { delivers }: { delivers: boolean }): Router {
  const router = express.Router()
  const times = () => {
    const next = twin.nextDue()
    return { now: isoOf(twin.nowMs()), nextDue: next === null ? null : isoOf(next) }
  }
  router.use(fromThisMachine, express.json({ limit: '64kb' }))
  router.get('/state', (_req, res) => {
    const subscriptions = PROCESSORS.flatMap((name) => twin.dialect(name).subscriptions())
    const webhooks = Object.fromEntries(PROCESSORS.map((name) => [name, webhooksOf(twin, name)]))
    res.json({ ...times(), subscriptions, webhooks, faults: twin.faults })
  })
  router.post('/advance', async (req, res) => {
    const toMs = Date.parse(read(advanceSchema, req.body).to)
    if (toMs < twin.nowMs() - MOST_BACK_MS) {
      throw new ControlRefusal(409, `The twin's clock stands at ${isoOf(twin.nowMs())} and does not go back to ${isoOf(toMs)}.`)
    }
    await twin.advanceTo(toMs)
    res.json(times())
  })
  router.post('/deliver', async (_req, res) => {
    await twin.deliver()
    res.json(times())
  })
  router.post('/faults', (req, res) => {
    const { processor, ...change } = read(faultsRequestSchema, req.body)
    for (const name of processor === undefined ? PROCESSORS : [processor]) Object.assign(twin.faults[name], change)
    res.json({ ...times(), faults: twin.faults })
  })
  router.post('/:processor/:action', async (req, res) => {
    const processor = PROCESSORS.find((name) => name === req.params.processor)
    const { action } = req.params
    if (processor === undefined) throw new ControlRefusal(404, `There is no processor ${req.params.processor}: ${PROCESSORS.join(', ')}.`)
    let result = {}
    if (action === 'enable') twin.enable(processor)
    else if (isControlAction(action)) result = act(twin, processor, action, req.body)
    else throw new ControlRefusal(404, `There is no action ${action}.`)
    if (delivers) await twin.deliver()
    res.json({ ...times(), ...result })
  })
  router.use((req) => {
    throw new ControlRefusal(404, `The twin has no ${req.method} ${req.path}.`)
  })
  router.use(asSentence)
  return router
}

function act(twin: Controlled, processor: ProcessorName, action: Parameters<typeof runControl>[1], body: unknown): object {
  try {
    return runControl(twin.dialect(processor).control, action, body ?? {})
  } catch (error) {
    if (error instanceof z.ZodError) throw new ControlRefusal(400, `${action}: ${z.prettifyError(error)}`)
    // Dialects throw a sentence for an id they do not have, or for something that cannot be now.
    throw new ControlRefusal(409, error instanceof Error ? error.message : String(error))
  }
}

function webhooksOf(twin: Controlled, name: ProcessorName): object {
  const { failingSinceMs, ...counts } = twin.endpoints[name]
  return { pending: twin.pendingCount(name), ...counts, failingSince: failingSinceMs === null ? null : isoOf(failingSinceMs) }
}

function read<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const parsed = schema.safeParse(body ?? {})
  if (!parsed.success) throw new ControlRefusal(400, z.prettifyError(parsed.error))
  return parsed.data
}

// Any web page can send requests to 127.0.0.1, or have its own name point there: such requests carry an Origin, or that name.
const fromThisMachine: RequestHandler = (req, _res, next) => {
  const host = (req.headers.host ?? '').replace(/:\d+$/, '')
  if (req.headers.origin !== undefined || !['127.0.0.1', 'localhost'].includes(host)) {
    throw new ControlRefusal(403, 'The twin is driven from this machine, by no web page.')
  }
  next()
}

const asSentence: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  const status = error instanceof ControlRefusal ? error.status : statusOf(error)
  res.status(status).json({ error: error instanceof Error ? error.message : String(error) })
}

// The body parser marks what is the sender's fault.
function statusOf(error: unknown): number {
  const marked = typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number'
  return marked ? Number(error.status) : 500
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
