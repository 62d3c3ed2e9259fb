import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { createTestDatabase, openDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

// A call waits for the counter of a window, and by the time it has it the window is another: it holds a counter that the next
// change of the account waits for, and must itself wait for nothing more.
describe('a window that changes while a call waits for its counter', () => {
  let db: Database
  let owner: Client
  let caller: Client
  let change: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    caller = await database.connect()
    change = await database.connect()
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
    db = await openDatabase('pg', database)
  })

  beforeEach(async () => {
    await change.query('rollback; begin')
  })

  /** holdCounters is the first half of what a change of plan does: the account, then its counters. */
  async function holdCounters(accountId: string): Promise<void> {
    await change.query('select from app.accounts where account_id = $1 for no key update', [accountId])
    await change.query('select from app.counters where account_id = $1 order by metric, window_start for update', [accountId])
  }

  /** moveWindow is the other half. */
  async function moveWindow(accountId: string): Promise<void> {
    await change.query(`update app.accounts set anchor = anchor - interval '3 days' where account_id = $1`, [accountId])
    await change.query('commit')
  }

  test.each([
    ['charge', `select * from api.check_and_increment_usage($1, 'messages')`],
    ['reservation', `select * from api.reserve_usage($1, 'messages', 1, 'R')`],
    ['give-back', `select * from api.decrement_usage($1, 'messages')`]
  ])('a %s is rolled back at once, to be repeated: it waits for nothing with the old counter in its hands', async (name, call) => {
    const accountId = `moved_${name}`
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 5 })
    await holdCounters(accountId)
    const refused = expect(caller.query(call, [accountId])).rejects.toMatchObject({ code: '40001' })
    await untilBlocked(owner)
    await moveWindow(accountId)
    await refused
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('the server repeats it, and it is decided in the new window', async () => {
    const accountId = 'repeated'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 5 })
    await holdCounters(accountId)
    const decision = checkAndIncrementUsage(db, { accountId, metric: 'messages' })
    await untilBlocked(owner)
    await moveWindow(accountId)
    expect(await decision).toMatchObject({ allowed: true, used: 1 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back by request id holds the account before it waits for a counter', async () => {
    const accountId = 'held_first'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', requestId: 'R' })
    await change.query('select from app.counters where account_id = $1 for update', [accountId])
    const gift = decrementUsage(db, { accountId, metric: 'messages', requestId: 'R' })
    await untilBlocked(owner)
    await expect(
      owner.query('select from app.accounts where account_id = $1 for no key update nowait', [accountId])
    ).rejects.toMatchObject({ code: '55P03' })
    await change.query('commit')
    expect(await gift).toMatchObject({ used: 0 })
  })

  test('a give-back of a charge in an earlier window has locked its counter before it waits for that of the current one', async () => {
    const accountId = 'earlier_first'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', requestId: 'R' })
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '40 days'`)
    try {
      await checkAndIncrementUsage(db, { accountId, metric: 'messages' })
      await change.query(
        `select from app.counters where account_id = $1 and window_start = (app.entitlement($1, 'messages')).window_start for update`,
        [accountId]
      )
      const gift = decrementUsage(db, { accountId, metric: 'messages', requestId: 'R' })
      await untilBlocked(owner)
      const { rows } = await owner.query(
        `select window_start from app.counters where account_id = $1 and metric = 'messages' for update skip locked`,
        [accountId]
      )
      expect(rows).toEqual([])
      await change.query('commit')
      expect(await gift).toMatchObject({ used: 0 })
    } finally {
      await owner.query(`update app.environment set clock_offset = clock_offset - interval '40 days'`)
    }
  })
})
