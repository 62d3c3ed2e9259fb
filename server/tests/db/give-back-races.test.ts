import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

describe.each(transports)('a give-back that had to wait, over %s', (transport) => {
  let db: Database
  let owner: Client
  let holder: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    holder = await database.connect()
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  beforeEach(async () => {
    await holder.query('rollback; begin')
  })

  test('for others that give back the same units gives back nothing, and does not fail', async () => {
    const accountId = 'given_back_before'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages' })
    await holder.query(`select * from api.decrement_usage($1, 'messages')`, [accountId])
    const waiting = Promise.all(Array.from({ length: 3 }, () => decrementUsage(db, { accountId, metric: 'messages' })))
    await untilBlocked(owner, 3)
    await holder.query('commit')
    expect((await waiting).map(({ used }) => used)).toEqual([0, 0, 0])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('among charges gives back what is there when its turn comes, never more', async () => {
    const accountId = 'given_back_between'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 2 })
    await holder.query('select from app.counters where account_id = $1 for update', [accountId])
    const waiting = Promise.all([
      ...Array.from({ length: 6 }, () => decrementUsage(db, { accountId, metric: 'messages' })),
      ...Array.from({ length: 2 }, () => checkAndIncrementUsage(db, { accountId, metric: 'messages' })),
      ...Array.from({ length: 6 }, () => decrementUsage(db, { accountId, metric: 'messages' }))
    ])
    await untilBlocked(owner, 14)
    await holder.query('commit')
    for (const { used } of await waiting) expect(used).toBeGreaterThanOrEqual(0)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('for an upgrade and a charge it allowed tells the quota that charge was allowed by', async () => {
    const accountId = 'given_back_upgraded'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 100 })
    // A change of the plan locks the counters first.
    await holder.query('select from app.counters where account_id = $1 for update', [accountId])
    const waiting = decrementUsage(db, { accountId, metric: 'messages' })
    await untilBlocked(owner)
    await holder.query(
      `select * from api.record_billing_event($1, 'stripe', 'evt_' || $1, 't', 'state', '2026-11-09T00:00:00Z', 2, null, 'sub_' || $1, 'active',
         null, array['price_starter_monthly'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}')`,
      [accountId]
    )
    await holder.query(`select * from api.check_and_increment_usage($1, 'messages', 500)`, [accountId])
    await holder.query('commit')
    expect(await waiting).toMatchObject({ used: 599, quota: 2000, remaining: 1401, plan: 'starter' })
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
