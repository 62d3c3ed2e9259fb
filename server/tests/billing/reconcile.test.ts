import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { startStage, type Stage } from '../../../scripts/simulate/stage.ts'
import { NO_FAULTS } from '../../../scripts/twin/faults.ts'
import type { ProcessorName } from '../../src/billing/billing-event.ts'
import { AnswerUnknown, type Processor } from '../../src/billing/processor.ts'
import { reconcile } from '../../src/billing/reconcile.ts'
import { listDrifts } from '../../src/db/functions/list-drifts.ts'
import { reconcileProcessors } from '../../src/jobs/reconcile-processors.ts'
import { watchSilence } from '../../src/jobs/watch-silence.ts'

const START = Date.parse('2028-01-31T10:00:00Z')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let stage: Stage
beforeAll(async () => {
  stage = await startStage('reconcile', START)
}, 60_000)
afterAll(() => stage.stop())

/** processorOf is Parley's side of a processor. */
function processorOf(name: ProcessorName): Processor {
  const found = stage.server.parts.processors.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`${name} is not configured.`)
  return found
}

/** subscribe buys plan starter for a fresh account and delivers everything. */
async function subscribe(name: ProcessorName, accountId: string): Promise<void> {
  Object.assign(stage.twin.faults[name], NO_FAULTS)
  const answer = await stage.api(accountId)('POST', '/api/billing/checkout', { plan: 'starter', interval: 'month', processor: name })
  expect(answer.status).toBe(201)
  const { rows } = await stage.owner.query<{ id: string }>(
    'select processor_checkout_id as id from app.checkouts where account_id = $1',
    [accountId]
  )
  expect(stage.twin.dialect(name).control.pay(rows[0]?.id ?? '', 'good')).toBe(true)
  await stage.twin.deliver()
  await stage.server.parts.lifecycle.idle()
  await stage.server.parts.runJobsOnce()
}

/** endUnheard ends a subscription at the processor while none of its webhooks arrives. */
async function endUnheard(name: ProcessorName, accountId: string): Promise<void> {
  const { rows } = await stage.owner.query<{ id: string }>('select subscription_id as id from app.processor_subscriptions where account_id = $1', [accountId])
  Object.assign(stage.twin.faults[name], { lossRate: 1 })
  stage.twin.dialect(name).control.cancel(rows[0]?.id ?? '', 'now')
  await stage.twin.deliver()
  Object.assign(stage.twin.faults[name], NO_FAULTS)
}

async function statusOf(accountId: string): Promise<string | undefined> {
  const { rows } = await stage.owner.query<{ status: string }>('select status from app.processor_subscriptions where account_id = $1', [accountId])
  return rows[0]?.status
}

async function inboxCount(): Promise<number> {
  const { rows } = await stage.owner.query<{ count: string }>('select count(*) from app.webhook_events')
  return Number(rows[0]?.count)
}

describe.each(['stripe', 'paddle', 'razorpay'] as const)('an end of which %s’s webhooks never arrived', (name) => {
  const accountId = `user_${name}`

  test('is found by a dry run, which changes nothing; is corrected by a run, with a row per field; and is not found again', async () => {
    await subscribe(name, accountId)
    await reconcile(stage.server.parts.db, processorOf(name), { since: null, dryRun: false })
    await endUnheard(name, accountId)
    const before = await inboxCount()
    const { db } = stage.server.parts

    const dry = await reconcile(db, processorOf(name), { since: null, dryRun: true })
    expect(dry).toMatchObject({ corrections: 0 })
    const found = await listDrifts(db, { runId: dry.runId })
    expect(found).toContainEqual(expect.objectContaining({ field: 'status', ours: 'active', theirs: 'canceled', corrected: false, accountId }))
    expect(await statusOf(accountId)).toBe('active')
    expect(await inboxCount()).toBe(before)

    const real = await reconcile(db, processorOf(name), { since: null, dryRun: false })
    expect(real.corrections).toBeGreaterThan(0)
    const corrected = await listDrifts(db, { runId: real.runId })
    expect(corrected).toContainEqual(expect.objectContaining({ field: 'status', ours: 'active', theirs: 'canceled', corrected: true }))
    expect(corrected).toContainEqual(expect.objectContaining({ field: 'account_plan', ours: 'starter', theirs: 'free', corrected: true }))
    expect(await statusOf(accountId)).toBe('canceled')

    expect(await reconcile(db, processorOf(name), { since: null, dryRun: false })).toMatchObject({ corrections: 0, drifts: 0 })
  }, 60_000)
})

test('a run that is broken off goes on at the page it had reached, and the hourly job is not kept from the other processors', async () => {
  const { db, processors, metrics } = stage.server.parts
  const stripe = processorOf('stripe')
  if (stripe.api === null) throw new Error('Stripe cannot be asked.')
  const { api } = stripe
  const asked: (string | null)[] = []
  const breaksOff: Processor = {
    ...stripe,
    api: {
      ...api,
      async listSince(request) {
        asked.push(request.cursor)
        if (asked.length === 1) return { entries: [], cursor: 'page-2' }
        throw new AnswerUnknown('the connection broke')
      }
    }
  }
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) })
  const others = processors.filter(({ name }) => name !== 'stripe')
  await reconcileProcessors({ db, processors: [breaksOff, ...others], metrics, log })
  expect(errors.join('')).toContain('goes on there')
  const { rows } = await stage.owner.query<{ processor: string; status: string }>(
    'select distinct on (processor) processor, status from app.reconciliation_runs where not dry_run order by processor, started_at desc'
  )
  expect(rows).toEqual([
    { processor: 'paddle', status: 'done' },
    { processor: 'razorpay', status: 'done' },
    { processor: 'stripe', status: 'failed' }
  ])

  const resumed: (string | null)[] = []
  const goesOn: Processor = {
    ...stripe,
    api: {
      ...api,
      async listSince(request) {
        resumed.push(request.cursor)
        return { entries: [], cursor: null }
      }
    }
  }
  expect(await reconcile(db, goesOn, { since: null, dryRun: false })).toMatchObject({ resumed: true })
  expect(resumed).toEqual(['page-2'])
}, 60_000)

test('a processor that sends nothing for longer than its normal pause raises the alarm, and not before', async () => {
  const { db, metrics } = stage.server.parts
  await subscribe('paddle', 'user_silence')
  // Twenty deliveries tell what is normal: the buying alone brings that many here.
  const { rows } = await stage.owner.query<{ count: string }>(
    `select count(*) from app.webhook_events where processor = 'paddle' and event_type <> 'fetched'`
  )
  expect(Number(rows[0]?.count)).toBeGreaterThanOrEqual(20)
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) })
  await watchSilence({ db, metrics, log })
  expect(errors).toEqual([])

  await stage.owner.query('select api.move_clock($1)', [new Date(stage.twin.nowMs() + 3 * DAY_MS).toISOString()])
  await watchSilence({ db, metrics, log })
  expect(errors.join('')).toContain('paddle has sent nothing for')
  expect(await metrics.registry.metrics()).toMatch(/webhook_silent\{processor="paddle"\} 1/)
}, 60_000)
