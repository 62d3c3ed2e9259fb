import { beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Client } from 'pg'
import { type Database, DatabaseError } from '../../src/db/database.ts'
import { checkAndIncrementUsageMany, type UsageVerdict } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { createTestDatabase, openDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

type Entry = { account: string; metric: string; amount: number; requestId: string | null }

let db: Database
let owner: Client
let round = 0

beforeAll(async () => {
  const database = await createTestDatabase()
  owner = await database.connect()
  db = await openDatabase('pg', database, 4)
})

type Outcome = Omit<UsageVerdict, 'place' | 'resetsAt'>

/** together sends the entries as batches of the given size, for accounts that only this call uses. */
async function together(entries: Entry[], prefix: string, size: number): Promise<Outcome[]> {
  const verdicts: UsageVerdict[] = []
  for (let start = 0; start < entries.length; start += size) {
    const batch = entries.slice(start, start + size)
    const decided = await checkAndIncrementUsageMany(db, {
      accountIds: batch.map(({ account }) => `${prefix}${account}`),
      metrics: batch.map(({ metric }) => metric),
      amounts: batch.map(({ amount }) => amount),
      requestIds: batch.map(({ requestId }) => requestId)
    })
    verdicts.push(...decided)
  }
  // The windows of two accounts begin when each is made.
  return verdicts.map(({ place: _place, resetsAt: _resetsAt, ...outcome }) => outcome)
}

const NO_DECISION = { allowed: null, used: null, quota: null, remaining: null, plan: null, replayed: null }

/** oneByOne makes a call of its own for each. */
async function oneByOne(entries: Entry[], prefix: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { account, ...entry } of entries) {
    try {
      const { resetsAt: _resetsAt, ...decision } = await checkAndIncrementUsage(db, { accountId: `${prefix}${account}`, ...entry })
      outcomes.push({ errorCode: null, errorMessage: null, ...decision })
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      outcomes.push({ errorCode: error.sqlstate, errorMessage: error.message, ...NO_DECISION })
    }
  }
  return outcomes
}

const entry = fc.record({
  account: fc.constantFrom('a', 'b', 'c'),
  metric: fc.constantFrom('messages', 'messages', 'messages', 'seats', 'api_calls', 'chatbots', 'nonsense'),
  amount: fc.constantFrom(1, 1, 1, 7, 30, 0, -1, 1_000_000_001),
  requestId: fc.option(fc.constantFrom('r1', 'r2', 'r3', 'r4'), { freq: 4 })
})

test('a batch of any entries is decided as the same entries one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 30 }), fc.integer({ min: 2, max: 30 }), async (entries, size) => {
      round += 1
      // A request id that two metrics share goes to the metric whose name comes first: that much a batch may differ.
      const separate = entries.map((one) => ({ ...one, requestId: one.requestId && `${one.requestId} ${one.metric}` }))
      expect(await together(separate, `t${round}_`, size)).toEqual(await oneByOne(separate, `s${round}_`))
    }),
    { numRuns: 150, seed: 20261121 }
  )
  expect(await brokenInvariants(owner)).toEqual([])
}, 60_000)
