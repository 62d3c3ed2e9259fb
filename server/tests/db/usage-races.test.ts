import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { checkAndIncrementUsageMany } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { beyondQuota, brokenInvariants } from '../support/invariants.ts'

const CALLERS = 64

describe.each(transports)('racing callers over %s', (transport) => {
  let db: Database
  let owner: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database, 50)
  })

  const race = <Result>(callers: number, call: (caller: number) => Promise<Result>): Promise<Result[]> =>
    Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))

  test('64 callers, one unit left, first use of the account: exactly one is granted', async () => {
    await checkAndIncrementUsage(db, { accountId: 'last_unit', metric: 'messages', amount: 99 })
    const decisions = await race(CALLERS, () => checkAndIncrementUsage(db, { accountId: 'last_unit', metric: 'messages' }))
    expect(decisions.filter((decision) => decision.allowed)).toHaveLength(1)
    expect(decisions.every((decision) => decision.used === 100 && decision.remaining === 0)).toBe(true)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('200 callers on an account nobody has seen: it is made once and exactly its quota of 100 is granted', async () => {
    const decisions = await race(200, () => checkAndIncrementUsage(db, { accountId: 'brand_new', metric: 'messages' }))
    expect(decisions.filter((decision) => decision.allowed)).toHaveLength(100)
    const granted = decisions.filter((decision) => decision.allowed).map((decision) => decision.used)
    expect(granted.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('1,000 callers over 50 connections, quota 100: exactly 100 are granted, each seen once, and the ledger has those', async () => {
    const decisions = await race(1_000, () => checkAndIncrementUsage(db, { accountId: 'thousand', metric: 'messages' }))
    const granted = decisions.filter((decision) => decision.allowed).map((decision) => decision.used)
    expect(granted.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(decisions.filter((decision) => !decision.allowed && decision.used === 100 && decision.remaining === 0)).toHaveLength(900)
    const { rows } = await owner.query(
      `select c.used::int, sum(e.amount)::int as summed, count(*)::int as entries
       from app.counters c join app.usage_events e using (account_id, metric, window_start)
       where c.account_id = 'thousand' group by c.used`
    )
    expect(rows).toEqual([{ used: 100, summed: 100, entries: 100 }])
    expect(await beyondQuota(owner, ['thousand'])).toEqual([])
  }, 60_000)

  test('a transaction older than the account it charges counts in the first window, not in one before it', async () => {
    await owner.query('begin; select now()')
    await checkAndIncrementUsage(db, { accountId: 'younger_than_caller', metric: 'messages', amount: 100 })
    const { rows } = await owner.query<{ allowed: boolean }>(
      `select allowed from api.check_and_increment_usage('younger_than_caller', 'messages')`
    )
    await owner.query('commit')
    expect(rows).toEqual([{ allowed: false }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('mixed amounts: the sum granted never passes the quota, and what was refused really did not fit', async () => {
    const amounts = Array.from({ length: CALLERS }, (_, caller) => 1 + ((caller * 7) % 13))
    const decisions = await race(CALLERS, (caller) =>
      checkAndIncrementUsage(db, { accountId: 'mixed', metric: 'messages', amount: amounts[caller] ?? 1 })
    )
    const granted = decisions.reduce((sum, decision, caller) => sum + (decision.allowed ? (amounts[caller] ?? 0) : 0), 0)
    expect(granted).toBeLessThanOrEqual(100)
    for (const [caller, decision] of decisions.entries()) {
      if (!decision.allowed) expect(decision.used + (amounts[caller] ?? 0)).toBeGreaterThan(100)
    }
    expect(Math.max(...decisions.map((decision) => decision.used))).toBe(granted)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('one request id sent 64 times at once charges once and gets one answer', async () => {
    const decisions = await race(CALLERS, () =>
      checkAndIncrementUsage(db, { accountId: 'repeated', metric: 'messages', amount: 5, requestId: 'same' })
    )
    expect(decisions.filter((decision) => !decision.replayed)).toHaveLength(1)
    expect(new Set(decisions.map((decision) => `${decision.allowed} ${decision.used}`))).toEqual(new Set(['true 5']))
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('one request id sent 50 times at once, among other charges, gets 50 equal answers for one charge', async () => {
    const [same] = await Promise.all([
      race(50, () => checkAndIncrementUsage(db, { accountId: 'fifty', metric: 'messages', amount: 5, requestId: 'same' })),
      race(50, (caller) => checkAndIncrementUsage(db, { accountId: 'fifty', metric: 'messages', requestId: `other_${caller}` }))
    ])
    const answers = same.map(({ replayed: _replayed, ...answer }) => answer)
    expect(answers).toEqual(Array.from({ length: 50 }, () => answers[0]))
    expect(same.filter((decision) => !decision.replayed)).toHaveLength(1)
    const { rows } = await owner.query(
      `select request_id = 'same' as same, sum(amount)::int from app.usage_events where account_id = 'fifty' group by 1 order by 1`
    )
    expect(rows).toEqual([
      { same: false, sum: 50 },
      { same: true, sum: 5 }
    ])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('one request id for the last unit, sent 64 times at once: granted to all of them, charged once', async () => {
    await checkAndIncrementUsage(db, { accountId: 'repeated_last', metric: 'messages', amount: 99 })
    const decisions = await race(CALLERS, () =>
      checkAndIncrementUsage(db, { accountId: 'repeated_last', metric: 'messages', requestId: 'same' })
    )
    expect(decisions.every((decision) => decision.allowed && decision.used === 100)).toBe(true)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a charge given back by 32 callers at once is given back once', async () => {
    await checkAndIncrementUsage(db, { accountId: 'returned', metric: 'messages', amount: 40, requestId: 'charge' })
    const returns = await race(32, () =>
      decrementUsage(db, { accountId: 'returned', metric: 'messages', amount: 40, requestId: 'charge' })
    )
    expect(returns.filter((decision) => !decision.replayed)).toHaveLength(1)
    expect(returns.every((decision) => decision.used === 0)).toBe(true)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('charges and give-backs at once: the counter ends at their exact balance and is never seen below 0 or above the quota', async () => {
    const decisions = await race(CALLERS, async (caller) => {
      const charge = await checkAndIncrementUsage(db, { accountId: 'both_ways', metric: 'messages', amount: 3, requestId: `c${caller}` })
      if (charge.allowed && caller % 2 === 0) {
        return decrementUsage(db, { accountId: 'both_ways', metric: 'messages', amount: 3, requestId: `c${caller}` })
      }
      return charge
    })
    expect(decisions.every((decision) => decision.used >= 0 && decision.used <= 100)).toBe(true)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('batches racing with single calls on the same keys grant exactly the quota', async () => {
    const batch = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'batched_one' : 'batched_two'))
    const [batches, singles] = await Promise.all([
      race(8, () =>
        checkAndIncrementUsageMany(db, { accountIds: batch, metrics: batch.map(() => 'messages'), amounts: batch.map(() => 1) })
      ),
      race(80, () => checkAndIncrementUsage(db, { accountId: 'batched_one', metric: 'messages' }))
    ])
    const granted = (account: string): number =>
      batches.flat().filter((verdict) => verdict.allowed === true && batch[verdict.place - 1] === account).length
    expect(granted('batched_one') + singles.filter((decision) => decision.allowed).length).toBe(100)
    expect(granted('batched_two')).toBe(80)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('batches that name the same accounts in opposite orders do not deadlock', async () => {
    const accounts = Array.from({ length: 30 }, (_, index) => `crossing_${index}`)
    const ones = accounts.map(() => 1)
    const verdicts = await race(16, (caller) =>
      checkAndIncrementUsageMany(db, {
        accountIds: caller % 2 === 0 ? accounts : accounts.toReversed(),
        metrics: accounts.map(() => 'messages'),
        amounts: ones
      })
    )
    expect(verdicts.flat().every((verdict) => verdict.allowed === true)).toBe(true)
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
