import { beforeAll, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { seededRandom, shuffled } from '../../../scripts/twin/random.ts'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsageMany } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { createTestDatabase, openDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

let db: Database
let owner: Client

beforeAll(async () => {
  const database = await createTestDatabase()
  owner = await database.connect()
  db = await openDatabase('pg', database, 12)
})

test('the same request ids in many batches at once, in every order, refused and granted: each is decided once, nothing deadlocks', async () => {
  const random = seededRandom('shared ids')
  for (let round = 0; round < 40; round += 1) {
    // The quota of messages is 100: some of them are refused, those of seats all but one.
    const entries = Array.from({ length: 24 }, (_, index) => ({
      accountId: `round_${round}_${index % 3}`,
      metric: index % 2 === 0 ? 'messages' : 'seats',
      amount: index % 2 === 0 ? 30 : 1,
      requestId: `r${index}`
    }))
    const batches = Array.from({ length: 12 }, () => shuffled(entries, () => random.next()).slice(0, 16))
    const answers = await Promise.all(
      batches.map((batch) =>
        checkAndIncrementUsageMany(db, {
          accountIds: batch.map(({ accountId }) => accountId),
          metrics: batch.map(({ metric }) => metric),
          amounts: batch.map(({ amount }) => amount),
          requestIds: batch.map(({ requestId }) => requestId)
        })
      )
    )
    const told = new Map<string, Set<string>>()
    for (const [index, batch] of batches.entries()) {
      for (const [place, { requestId }] of batch.entries()) {
        const verdict = answers[index]?.[place]
        told.set(requestId, (told.get(requestId) ?? new Set()).add(JSON.stringify([verdict?.errorCode, verdict?.allowed, verdict?.used])))
      }
    }
    expect([...told].filter(([, verdicts]) => verdicts.size !== 1)).toEqual([])
  }
  await owner.query('select pg_stat_force_next_flush()')
  const { rows } = await owner.query(`select deadlocks::integer from pg_stat_database where datname = current_database()`)
  expect(rows).toEqual([{ deadlocks: 0 }])
  expect(await brokenInvariants(owner)).toEqual([])
}, 60_000)
