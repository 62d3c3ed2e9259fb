import { beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { listUsageEvents, type UsageEventRow } from '../../src/db/functions/list-usage-events.ts'
import { listUsageWindows } from '../../src/db/functions/list-usage-windows.ts'
import { readUsageHistory } from '../../src/db/functions/read-usage-history.ts'
import { createTestDatabase, openDatabase } from '../support/database.ts'

const ANCHOR = '2026-01-31T09:00:00.123456Z'
const CHANNELS = [null, 'playground', 'widget', 'api'] as const

type Deed =
  | { kind: 'charge' | 'reserve'; amount: number; bot: number; channel: number }
  | { kind: 'settle' | 'return'; which: number; amount: number }
  | { kind: 'wait'; hours: number }

const source = { amount: fc.integer({ min: 1, max: 50 }), bot: fc.integer({ min: 0, max: 2 }), channel: fc.integer({ min: 0, max: 3 }) }
const ending = { which: fc.nat(100), amount: fc.integer({ min: 1, max: 90 }) }
const deeds: fc.Arbitrary<Deed[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('charge' as const), ...source }),
    fc.record({ kind: fc.constant('reserve' as const), ...source }),
    fc.record({ kind: fc.constant('settle' as const), ...ending }),
    fc.record({ kind: fc.constant('return' as const), ...ending }),
    fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 400 }) })
  ),
  { minLength: 5, maxLength: 40 }
)

describe('whatever an account did', () => {
  let owner: Client
  let db: Database
  let run = 0

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase('pg', database)
    await owner.query(`update app.plan_quotas set quota = 500 where plan = 'free' and metric = 'messages'`)
  })

  const travelTo = (timeMs: number) =>
    owner.query('update app.environment set clock_offset = make_interval(secs => extract(epoch from $1::timestamptz - now())::double precision)', [
      new Date(timeMs).toISOString()
    ])

  async function live(accountId: string, all: Deed[]): Promise<void> {
    let nowMs = Date.parse(ANCHOR) + 1
    await travelTo(nowMs)
    await owner.query('insert into app.accounts (account_id, anchor, counts_from, created_at) values ($1, $2, $2, $2)', [accountId, ANCHOR])
    const bots = [null, '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']
    const charged: string[] = []
    const reserved: string[] = []
    for (const [index, deed] of all.entries()) {
      const requestId = `${deed.kind}-${index}`
      switch (deed.kind) {
        case 'wait':
          nowMs += deed.hours * 3_600_000
          await travelTo(nowMs)
          break
        case 'charge':
        case 'reserve': {
          const call = deed.kind === 'charge' ? 'api.check_and_increment_usage($1, $2, $3, $4, $5, null, $6)' : 'api.reserve_usage($1, $2, $3, $4, 900, $5, null, $6)'
          const { rows } = await owner.query<{ allowed: boolean }>(`select allowed from ${call}`, [
            accountId, 'messages', deed.amount, requestId, bots[deed.bot] ?? null, CHANNELS[deed.channel] ?? null
          ])
          if (rows[0]?.allowed === true) (deed.kind === 'charge' ? charged : reserved).push(requestId)
          break
        }
        case 'settle': {
          const [request] = reserved.splice(deed.which % Math.max(reserved.length, 1), 1)
          if (request !== undefined) await owner.query('select api.settle_usage($1, $2, $3)', [accountId, request, deed.amount])
          break
        }
        case 'return': {
          const [request] = charged.splice(deed.which % Math.max(charged.length, 1), 1)
          if (request !== undefined) await owner.query(`select api.decrement_usage($1, 'messages', $2, $3)`, [accountId, deed.amount, request])
          break
        }
      }
    }
  }

  /** wholeLedger reads one counter page by page. */
  async function wholeLedger(accountId: string, windowStart: string, limit: number): Promise<UsageEventRow[]> {
    const all: UsageEventRow[] = []
    for (;;) {
      const last = all.at(-1)
      const place = last === undefined ? {} : { beforeId: last.eventId, balance: (last.balanceAfter ?? 0) - last.amount }
      const page = await listUsageEvents(db, { accountId, metric: 'messages', windowStart, limit, ...place })
      if (page.length === 0) return all
      all.push(...page)
    }
  }

  test('the days of each window and the rows of its ledger add up to its counter, and no row is in two windows', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, fc.integer({ min: 1, max: 10 }), async (all, limit) => {
        const accountId = `history_${(run += 1)}`
        await live(accountId, all)
        const { rows: counters } = await owner.query<{ start: string; used: number }>(
          `select window_start::text as start, used::int from app.counters where account_id = $1 and metric = 'messages' order by window_start desc`,
          [accountId]
        )
        const windows = await listUsageWindows(db, { accountId, metric: 'messages' })
        const used = new Map(counters.map(({ start, used: amount }) => [Date.parse(start), amount]))
        expect([...used.keys()].filter((start) => !windows.some(({ windowStart }) => Date.parse(windowStart) === start))).toEqual([])
        let rows = 0
        for (const { windowStart } of windows) {
          const events = await wholeLedger(accountId, windowStart, limit)
          rows += events.length
          let balance = 0
          for (const { amount, balanceAfter } of events.toReversed()) expect(balanceAfter).toBe((balance += amount))
          expect(balance).toBe(used.get(Date.parse(windowStart)) ?? 0)

          const sums = new Map<string, { amount: number; events: number }>()
          for (const { occurredAt, chatbotId, channel, amount } of events) {
            const key = JSON.stringify([new Date(occurredAt).toISOString().slice(0, 10), chatbotId, channel])
            const sum = sums.get(key) ?? { amount: 0, events: 0 }
            sums.set(key, { amount: sum.amount + amount, events: sum.events + 1 })
          }
          const history = await readUsageHistory(db, { accountId, metric: 'messages', windowStart })
          const told = history.map(({ day, chatbotId, channel, amount, events: count }) => [JSON.stringify([day, chatbotId, channel]), { amount, events: count }])
          expect(new Map(told.map(([key, sum]) => [key, sum]))).toEqual(sums)
          expect(told).toHaveLength(sums.size)
        }
        const { rows: ledger } = await owner.query<{ rows: number }>('select count(*)::int as rows from app.usage_events where account_id = $1', [accountId])
        expect(rows).toBe(ledger[0]?.rows)
      }),
      { seed: 20261121, numRuns: 40 }
    )
  }, 60_000)
})
