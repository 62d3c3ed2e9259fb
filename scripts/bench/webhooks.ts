import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { checkInvariants } from '../../server/src/db/functions/check-invariants.ts'
import { recordBillingEvent } from '../../server/src/db/functions/record-billing-event.ts'
import { openPostgres } from '../../server/src/db/postgres.ts'
import { freePort } from '../embedded/free-port.ts'
import { runLoop } from './closed-loop.ts'
import { compare, type Way } from './comparison.ts'
import { PATIENCE_MS, PER_CALL_POOL } from './deciding.ts'
import { type BenchGround, settle, withBenchGround } from './ground.ts'
import { startParley } from './http/parley.ts'
import { drive } from './http/load.ts'
import type { BenchSuite } from './suite.ts'
import { argumentsOf, deliveryOf, type Event, eventsFrom } from './webhooks/events.ts'

const INSERT = 'bare INSERT of the inbox row'
const RECORD = 'record_billing_event'
const INTAKE = 'signed delivery over HTTP'

type Events = ReturnType<typeof eventsFrom>

/** webhooks measures taking a delivery in against the bare INSERT of the same row. */
export const webhooks: BenchSuite = (options) =>
  withBenchGround(async (ground) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-bench-webhooks-'))
    try {
      const subscriptions = options.quick ? 600 : 3_000
      options.progress(`opening ${subscriptions} subscriptions`)
      const events = eventsFrom(subscriptions)
      await openSubscriptions(ground, events, subscriptions)
      await ground.admin.query('create schema bench')
      await ground.admin.query('create table bench.webhook_events (like app.webhook_events including all) with (fillfactor = 90)')
      await settle(ground.admin)
      const measured = []
      for (const callers of options.quick ? [64] : [8, 64]) {
        const ways = [insertWay(ground, events, callers), recordWay(ground, events, callers), intakeWay(ground, events, callers, folder)]
        const wanted = [
          { of: RECORD, to: INSERT, target: null },
          { of: INTAKE, to: INSERT, target: null },
          { of: INTAKE, to: RECORD, target: null }
        ]
        measured.push(await compare({ title: `${callers} at a time`, ways, wanted }, options))
      }
      return {
        measured,
        method: [
          `Events of ${subscriptions.toLocaleString('en-US')} subscriptions in turn, a third each of Stripe, Paddle and Razorpay, every one new and newer than the last: nothing is skipped as a duplicate. Each must be answered as processed.`,
          'The bare INSERT writes the same row, with its payload and hash, into a copy of the inbox with all its indexes. `record_billing_event` writes it, keeps the event, computes the state of the subscription from all its events and moves the account. The delivery over HTTP also verifies the signature and reads the payload, in a real server process.',
          await proveInvariants(ground)
        ],
        limits: [
          `The INSERT and the function have ${PER_CALL_POOL} connections; the server has its 10.`,
          'A delivery is signed by the load generator as it is sent, on the same cores.'
        ],
        leftOut: []
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

async function openSubscriptions(ground: BenchGround, events: Events, count: number): Promise<void> {
  const db = openPostgres({ url: ground.serverUrl, poolSize: 8, timeoutMs: PATIENCE_MS })
  let index = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (index < count) {
        const event = events.created(index)
        index += 1
        demandProcessed(await recordBillingEvent(db, argumentsOf(event)), event)
      }
    })
  )
  await db.close()
}

function insertWay(ground: BenchGround, events: Events, callers: number): Way {
  return {
    name: INSERT,
    open() {
      const pool = new Pool({ connectionString: ground.databaseUrl, max: PER_CALL_POOL })
      const text = `insert into bench.webhook_events
          (processor, id, event_type, status, attempts, account_id, customer_id, subscription_id, occurred_at, payload, payload_sha256,
           created_at, processed_at, object_ids, kind)
        values ($1, $2, $3, 'processed', 1, $4, $5, $6, $7, $8, encode(sha256(convert_to($8, 'UTF8')), 'hex'), now(), now(), '{}', $9)`
      return Promise.resolve({
        measure: (times) =>
          runLoop(callers, times, async () => {
            const event = argumentsOf(events.next())
            const { rowCount } = await pool.query({
              name: 'insert',
              text,
              values: [event.processor, event.eventId, event.eventType, event.accountId, event.customerId, event.subscriptionId, event.occurredAt, event.payload, event.kind]
            })
            if (rowCount !== 1) throw new Error('The bare INSERT wrote nothing.')
          }),
        close: () => pool.end()
      })
    }
  }
}

function recordWay(ground: BenchGround, events: Events, callers: number): Way {
  return {
    name: RECORD,
    open() {
      const db = openPostgres({ url: ground.serverUrl, poolSize: PER_CALL_POOL, timeoutMs: PATIENCE_MS })
      return Promise.resolve({
        measure: (times) =>
          runLoop(callers, times, async () => {
            const event = events.next()
            demandProcessed(await recordBillingEvent(db, argumentsOf(event)), event)
          }),
        close: () => db.close()
      })
    }
  }
}

function intakeWay(ground: BenchGround, events: Events, callers: number, folder: string): Way {
  return {
    name: INTAKE,
    async open() {
      const server = await startParley(ground, await freePort(), join(folder, 'parley.log'))
      const traffic = { next: () => deliveryOf(events.next(), ground.secrets), expected: '{"received":true,"outcome":"processed"' }
      return { measure: (times) => drive(server.port, callers, times, traffic), close: () => server.stop() }
    }
  }
}

function demandProcessed(recorded: { outcome: string; lastError: string | null }, { scenario }: Event): void {
  if (recorded.outcome !== 'processed') throw new Error(`${scenario.eventId} was ${recorded.outcome}: ${recorded.lastError ?? ''}`)
}

async function proveInvariants(ground: BenchGround): Promise<string> {
  const db = openPostgres({ url: ground.databaseUrl, poolSize: 1, timeoutMs: PATIENCE_MS })
  try {
    const checks = await checkInvariants(db)
    const broken = checks.filter(({ violations }) => violations > 0)
    if (broken.length > 0) throw new Error(`Invariants are broken: ${broken.map(({ name, example }) => `${name} (${example})`).join('; ')}`)
    return `Afterwards all ${checks.length} invariants of \`api.check_invariants()\` held.`
  } finally {
    await db.close()
  }
}
