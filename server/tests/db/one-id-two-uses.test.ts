import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsageMany } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

// A charge and a give-back of one request id at the same moment, on counters that do not make one of them wait for the other.
describe.each(transports)('one request id, used twice at once, over %s', (transport) => {
  let db: Database
  let owner: Client
  let inFlight: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    inFlight = await database.connect()
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  beforeEach(async () => {
    await inFlight.query('rollback; begin')
  })

  const usedOf = async (accountId: string, metric: string): Promise<number[]> => {
    const { rows } = await owner.query<{ used: number }>(
      'select used::integer from app.counters where account_id = $1 and metric = $2 order by window_start',
      [accountId, metric]
    )
    return rows.map(({ used }) => used)
  }

  test('a give-back waits for the charge of its id on another metric, and is refused', async () => {
    const accountId = 'charged_elsewhere'
    await checkAndIncrementUsage(db, { accountId, metric: 'api_calls', amount: 5 })
    await inFlight.query(`select * from api.check_and_increment_usage($1, 'messages', 3, 'R')`, [accountId])
    const giving = expect(decrementUsage(db, { accountId, metric: 'api_calls', amount: 3, requestId: 'R' })).rejects.toMatchObject({
      sqlstate: 'PY409',
      message: 'request id R was used for metric messages'
    })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await giving
    expect([await usedOf(accountId, 'api_calls'), await usedOf(accountId, 'messages')]).toEqual([[5], [3]])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  const refusal = { errorCode: 'PY409', errorMessage: 'request id R gave units back before it charged any; use another id' }

  test('a charge waits for the give-back of its id on another metric, and is refused', async () => {
    const accountId = 'given_elsewhere'
    await checkAndIncrementUsage(db, { accountId, metric: 'api_calls', amount: 5 })
    await inFlight.query(`select * from api.decrement_usage($1, 'api_calls', 3, 'R')`, [accountId])
    const charging = expect(
      checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 3, requestId: 'R' })
    ).rejects.toMatchObject({ sqlstate: 'PY409', message: refusal.errorMessage })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await charging
    expect(await usedOf(accountId, 'messages')).not.toContain(3)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('so does a batch, and only the entry of that id is refused', async () => {
    const accountId = 'given_beside_a_batch'
    await checkAndIncrementUsage(db, { accountId, metric: 'api_calls', amount: 5 })
    await inFlight.query(`select * from api.decrement_usage($1, 'api_calls', 3, 'R')`, [accountId])
    const batch = checkAndIncrementUsageMany(db, {
      accountIds: [accountId, accountId],
      metrics: ['messages', 'messages'],
      requestIds: ['Q', 'R']
    })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await batch).toMatchObject([{ allowed: true, used: 1 }, refusal])
    expect(await usedOf(accountId, 'messages')).toEqual([1])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back waits for the charge of its id that began before the window did, and gives back what that took, there', async () => {
    const accountId = 'charged_before'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 5 })
    await inFlight.query(`select * from api.check_and_increment_usage($1, 'messages', 3, 'R')`, [accountId])
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '40 days'`)
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 7 })
    const giving = decrementUsage(db, { accountId, metric: 'messages', amount: 3, requestId: 'R' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await giving).toMatchObject({ used: 5 })
    expect(await usedOf(accountId, 'messages')).toEqual([5, 7])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back holds its counter before its id also where the counter is new: the charge of that id waits for the counter', async () => {
    const accountId = 'new_counter'
    await checkAndIncrementUsage(db, { accountId, metric: 'api_calls' })
    await inFlight.query(`select * from api.decrement_usage($1, 'messages', 3, 'R')`, [accountId])
    // By another id: it has nothing to wait for but the counter.
    const charging = checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 3, requestId: 'Q' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await charging).toMatchObject({ allowed: true, used: 3 })
    expect(await brokenInvariants(owner)).toEqual([])
  })
})

// Sessions of their own: the server would repeat what a deadlock has rolled back.
describe('one request id, used twice at once: nobody waits for each other', () => {
  let owner: Client
  let holder: Client
  let charger: Client
  let giver: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    const connect = (): Promise<Client> => database.connect()
    ;[owner, holder, charger, giver] = await Promise.all([connect(), connect(), connect(), connect()])
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
  })

  test('a charge and a give-back that wait for one counter have it one after the other', async () => {
    await owner.query(`select * from api.check_and_increment_usage('both_wait', 'messages', 10)`)
    await holder.query(`begin; select from app.counters where account_id = 'both_wait' for update`)
    const charging = charger.query(`select used::integer from api.check_and_increment_usage('both_wait', 'messages', 3, 'R')`)
    await untilBlocked(owner)
    const giving = giver.query(`select used::integer from api.decrement_usage('both_wait', 'messages', 3, 'R')`)
    await untilBlocked(owner, 2)
    await holder.query('commit')
    expect((await charging).rows).toEqual([{ used: 13 }])
    expect((await giving).rows).toEqual([{ used: 10 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back that learns from its id of a charge in an earlier window begins anew, and locks that one first', async () => {
    const giveBack = (client: Client, requestId: string): Promise<{ rows: unknown[] }> =>
      client.query(`select used::integer from api.decrement_usage('learns', 'messages', 3, $1)`, [requestId])
    await owner.query(`select * from api.check_and_increment_usage('learns', 'messages', 3, 'EARLIER')`)
    await charger.query(`begin; select * from api.check_and_increment_usage('learns', 'messages', 3, 'R')`)
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '40 days'`)
    await owner.query(`select * from api.check_and_increment_usage('learns', 'messages', 7)`)
    // It has the counter of the current window, and waits for the id; the other one waits for the earlier counter.
    const learning = expect(giveBack(giver, 'R')).rejects.toMatchObject({ code: '40001' })
    await untilBlocked(owner)
    const other = giveBack(holder, 'EARLIER')
    await untilBlocked(owner, 2)
    await charger.query('commit')
    await learning
    expect((await other).rows).toEqual([{ used: 3 }])
    expect((await giveBack(giver, 'R')).rows).toEqual([{ used: 0 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
