import { describe, expect, test } from '@jest/globals'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Processor } from '../../src/billing/processor.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { RepeatingJob } from '../../src/jobs/repeating-job.ts'
import { retryWebhooks } from '../../src/jobs/retry-webhooks.ts'
import { sweepReservations } from '../../src/jobs/sweep-reservations.ts'
import type { Arguments, Database, Row } from '../../src/db/database.ts'

function logInto(lines: string[]) {
  return pino(
    { level: 'trace' },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString())
        done()
      }
    })
  )
}

/** Turns lets a test end each turn of a job by hand and wait for the next one to begin. */
class Turns {
  count = 0
  #finish: (() => void) | undefined
  #begun: (() => void) | undefined
  work = async (): Promise<void> => {
    this.count += 1
    this.#begun?.()
    await new Promise<void>((resolve) => {
      this.#finish = resolve
    })
  }
  begun(): Promise<void> {
    return new Promise((resolve) => {
      this.#begun = resolve
    })
  }
  finish(): void {
    this.#finish?.()
  }
}

describe('RepeatingJob', () => {
  const log = pino({ level: 'silent' })

  test('never runs twice at a time; kicked while it runs, it runs once more', async () => {
    const turns = new Turns()
    const job = new RepeatingJob({ name: 'test', everyMs: 60_000, work: turns.work, log })
    job.start()
    job.kick()
    job.kick()
    job.kick()
    expect(turns.count).toBe(1)
    const second = turns.begun()
    turns.finish()
    await second
    expect(turns.count).toBe(2)
    turns.finish()
    await job.stop()
    expect(turns.count).toBe(2)
  })

  test('stops only after the turn that runs, and then for good', async () => {
    const turns = new Turns()
    const job = new RepeatingJob({ name: 'test', everyMs: 60_000, work: turns.work, log })
    job.start()
    job.kick()
    let stopped = false
    const stopping = job.stop().then(() => {
      stopped = true
    })
    await Promise.resolve()
    expect(stopped).toBe(false)
    turns.finish()
    await stopping
    job.kick()
    expect(turns.count).toBe(1)
  })

  test('repeats by itself, also after a failure, which it logs', async () => {
    const lines: string[] = []
    let count = 0
    await new Promise<void>((resolve) => {
      const job = new RepeatingJob({
        name: 'failing',
        everyMs: 1,
        log: logInto(lines),
        work: () => {
          count += 1
          if (count === 3) void job.stop().then(resolve)
          return Promise.reject(new Error('no luck'))
        }
      })
      job.start()
    })
    expect(count).toBe(3)
    expect(lines.filter((line) => line.includes('no luck') && line.includes('failing'))).toHaveLength(3)
  })
})

/** databaseWith answers calls from a list per function and notes the calls. */
function databaseWith(answers: Record<string, (Row[] | Error)[]>): Database & { calls: [string, Arguments][] } {
  const calls: [string, Arguments][] = []
  return {
    calls,
    rpc(name, args) {
      calls.push([name, args])
      const answer = answers[name]?.shift() ?? []
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    close: () => Promise.resolve()
  }
}

const recorded = { outcome: 'processed', account_id: 'a', subscription_id: null, tie: false, linked: false, last_error: null }
const claimed = (id: string): Row => ({ processor: 'stripe', id, payload: `{"id":"${id}"}`, attempts: 1 })

const processor: Processor = {
  name: 'stripe',
  verify: () => ({ valid: false, reason: 'never asked' }),
  normalise(rawBody) {
    if (rawBody.includes('broken')) throw new Error('cannot be normalised')
    return { outcome: 'ignored', eventId: JSON.parse(rawBody).id, eventType: 't', occurredAt: '2026-11-20T00:00:00Z', reason: 'r' }
  },
  api: null
}

describe('retryWebhooks', () => {
  test('records each claimed delivery as a retry, and one that fails does not hold up the others', async () => {
    const lines: string[] = []
    const db = databaseWith({
      claim_webhook_events: [[claimed('one'), claimed('broken'), claimed('two'), { ...claimed('three'), processor: 'unknown' }]],
      record_billing_event: [[recorded], [recorded]]
    })
    await retryWebhooks({ db, sources: [processor], processors: [processor], metrics: createMetrics(), log: logInto(lines) })
    const records = db.calls.filter(([name]) => name === 'record_billing_event').map(([, args]) => args)
    expect(records).toEqual([
      expect.objectContaining({ p_event_id: 'one', p_is_retry: true, p_payload: '{"id":"one"}' }),
      expect.objectContaining({ p_event_id: 'two', p_is_retry: true })
    ])
    expect(lines.join('')).toContain('cannot be normalised')
    expect(lines.join('')).toContain('not configured')
  })

  test('goes on as long as there is a full batch', async () => {
    const full = Array.from({ length: 20 }, (_, place) => claimed(`evt_${place}`))
    const db = databaseWith({ claim_webhook_events: [full, []], record_billing_event: full.map(() => [recorded]) })
    await retryWebhooks({ db, sources: [processor], processors: [processor], metrics: createMetrics(), log: pino({ level: 'silent' }) })
    expect(db.calls.filter(([name]) => name === 'claim_webhook_events')).toHaveLength(2)
  })
})

test('sweepReservations goes on as long as there is a full batch, and logs what it released', async () => {
  const lines: string[] = []
  const released = { account_id: 'a', request_id: 'r', metric: 'messages', released: 1 }
  const db = databaseWith({ release_expired_reservations: [Array.from({ length: 100 }, () => released), [released]], ...forgetting(0) })
  await sweepReservations({ db, log: logInto(lines) })
  expect(db.calls.map(([name]) => name)).toEqual(['release_expired_reservations', 'release_expired_reservations', 'forget_usage_batches'])
  expect(lines).toHaveLength(101)
})

test('sweepReservations forgets the answers of old batches until none is left', async () => {
  const db = databaseWith({ release_expired_reservations: [[]], ...forgetting(1000, 1000, 7) })
  await sweepReservations({ db, log: pino({ level: 'silent' }) })
  expect(db.calls.filter(([name]) => name === 'forget_usage_batches')).toHaveLength(3)
})

function forgetting(...counts: number[]): { forget_usage_batches: { forget_usage_batches: number }[][] } {
  return { forget_usage_batches: counts.map((count) => [{ forget_usage_batches: count }]) }
}
