import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { type Arguments, type Database, DatabaseError, DatabaseUnavailable } from '../../src/db/database.ts'
import { checkAndIncrementUsageMany } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { withRetries } from '../../src/db/retry.ts'
import { createUsageBatcher, type UsageRequest } from '../../src/db/usage-batcher.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

const range = (length: number): number[] => Array.from({ length }, (_, index) => index)

describe.each(transports)('over %s', (transport) => {
  let db: Database
  let owner: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database)
  })

  /** watched notes the size of each batch that is sent; `release` lets the first one go. */
  function watched(): { watching: Database; sizes: number[]; release: () => void } {
    const sizes: number[] = []
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const watching: Database = {
      async rpc(name, args) {
        sizes.push(sizeOf(args))
        if (sizes.length === 1) await held
        return db.rpc(name, args)
      },
      close: () => Promise.resolve()
    }
    return { watching, sizes, release }
  }

  test('a request that finds nothing in flight goes out at once; those that come meanwhile go out together', async () => {
    const { watching, sizes, release } = watched()
    const batcher = createUsageBatcher(watching)
    const first = batcher.decide({ accountId: 'lone', metric: 'messages' })
    expect(sizes).toEqual([1])
    const others = range(40).map(() => batcher.decide({ accountId: 'lone', metric: 'messages' }))
    expect(sizes).toEqual([1])
    release()
    expect((await first).used).toBe(1)
    expect((await Promise.all(others)).map(({ used }) => used)).toEqual(range(40).map((index) => index + 2))
    expect(sizes).toEqual([1, 40])
  })

  test('a batch that is held up holds up its own lane alone', async () => {
    const { watching, sizes, release } = watched()
    const batcher = createUsageBatcher(watching)
    // By their last letter these take the one lane, the other, and the first again.
    const held = batcher.decide({ accountId: 'lane_a', metric: 'messages' })
    expect((await batcher.decide({ accountId: 'lane_b', metric: 'messages' })).used).toBe(1)
    const behind = [batcher.decide({ accountId: 'lane_c', metric: 'messages' }), batcher.decide({ accountId: 'lane_a', metric: 'messages' })]
    expect((await batcher.decide({ accountId: 'lane_b', metric: 'messages' })).used).toBe(2)
    expect(sizes).toEqual([1, 1, 1])
    release()
    expect((await held).used).toBe(1)
    expect((await Promise.all(behind)).map(({ used }) => used)).toEqual([1, 2])
    expect(sizes).toEqual([1, 1, 1, 2])
  })

  test('64 callers for the last ten units: the ten that came first are granted, the others refused', async () => {
    const batcher = createUsageBatcher(db)
    await batcher.decide({ accountId: 'last_ten', metric: 'messages', amount: 90 })
    const decisions = await Promise.all(range(64).map(() => batcher.decide({ accountId: 'last_ten', metric: 'messages' })))
    expect(decisions.map(({ allowed }) => allowed)).toEqual(range(64).map((index) => index < 10))
    expect(new Set(decisions.slice(10).map(({ used }) => used))).toEqual(new Set([100]))
  })

  test('two processes at the last 50 units: together they grant 50', async () => {
    const batchers = [createUsageBatcher(db), createUsageBatcher(db)]
    await Promise.all(batchers.map((batcher) => batcher.decide({ accountId: 'two_processes', metric: 'messages', amount: 25 })))
    const decisions = await Promise.all(
      batchers.flatMap((batcher) => range(100).map(() => batcher.decide({ accountId: 'two_processes', metric: 'messages' })))
    )
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(50)
  })

  test('a request that is wrong in itself is refused alone; who is in its batch notices nothing', async () => {
    const batcher = createUsageBatcher(db)
    const wrong: (UsageRequest & { code: string })[] = [
      { accountId: 'among_others', metric: 'tea', code: 'PY001' },
      { accountId: 'among_others', metric: 'chatbots', code: 'PY410' },
      { accountId: '', metric: 'messages', code: 'PY004' },
      { accountId: 'among_others', metric: 'messages', amount: -1, code: 'PY003' },
      // These not even reach the function: Postgres refuses the whole call.
      { accountId: 'among_others', metric: 'messages', amount: 1.5, code: '22P02' },
      { accountId: 'among_others', metric: 'messages', chatbotId: 'no id', code: '22P02' }
    ]
    const first = batcher.decide({ accountId: 'among_others', metric: 'messages' })
    const answers = await Promise.allSettled(
      wrong.flatMap(({ code: _code, ...request }) => [
        batcher.decide(request),
        ...range(5).map(() => batcher.decide({ accountId: 'among_others', metric: 'messages' }))
      ])
    )
    await first
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
    expect(refused.map((error) => (error instanceof DatabaseError ? error.sqlstate : error))).toEqual(wrong.map(({ code }) => code))
    expect(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.used] : []))).toEqual(range(30).map((index) => index + 2))
  })

  test('a batch whose connection was lost after its commit is answered as it was decided, and charged once', async () => {
    let isLost = false
    const losing: Database = {
      rpc: (name, args) =>
        withRetries(name, args, async () => {
          const rows = await db.rpc(name, args)
          if (!isLost && sizeOf(args) > 1) {
            isLost = true
            throw new DatabaseUnavailable('the connection was lost')
          }
          return rows
        }),
      close: () => Promise.resolve()
    }
    const batcher = createUsageBatcher(losing)
    const requests = range(30).map((index): UsageRequest => ({
      accountId: `lost_${index % 3}`,
      metric: 'messages',
      amount: 15,
      ...(index % 2 === 0 && { requestId: `r${index}` })
    }))
    const decisions = await Promise.all(requests.map((request) => batcher.decide(request)))
    expect(isLost).toBe(true)
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(18)
    expect(decisions.filter(({ replayed }) => replayed)).toHaveLength(0)
    const { rows } = await owner.query(`select sum(used)::integer as used from app.counters where account_id like 'lost%'`)
    expect(rows).toEqual([{ used: 18 * 15 }])
  })

  test('the same batch twenty times at once is decided once, and everybody has that answer', async () => {
    const batchId = randomUUID()
    const accountIds = range(9).map((index) => `same_${index % 3}`)
    const answers = await Promise.all(
      range(20).map(() =>
        checkAndIncrementUsageMany(db, { accountIds, metrics: accountIds.map(() => 'messages'), amounts: accountIds.map(() => 40), batchId })
      )
    )
    for (const answer of answers) expect(answer).toEqual(answers[0])
    const { rows } = await owner.query(`select account_id, used::integer from app.counters where account_id like 'same%' order by 1`)
    expect(rows).toEqual(range(3).map((index) => ({ account_id: `same_${index}`, used: 80 })))
  })

  test('a queue that is full turns the next one away as unavailable, and keeps its promise to all before', async () => {
    const { watching, release } = watched()
    const batcher = createUsageBatcher(watching, { largestBatch: 4, longestQueue: 10 })
    const kept = range(11).map(() => batcher.decide({ accountId: 'full', metric: 'messages' }))
    await expect(batcher.decide({ accountId: 'full', metric: 'messages' })).rejects.toThrow(DatabaseUnavailable)
    release()
    expect((await Promise.all(kept)).map(({ used }) => used)).toEqual(range(11).map((index) => index + 1))
    expect((await batcher.decide({ accountId: 'full', metric: 'messages' })).used).toBe(12)
  })

  test('while the database is away everybody is told so, and the next request is decided again', async () => {
    let isAway = true
    const flaky: Database = {
      rpc: (name, args) => (isAway ? Promise.reject(new DatabaseUnavailable('away')) : db.rpc(name, args)),
      close: () => Promise.resolve()
    }
    const batcher = createUsageBatcher(flaky)
    const answers = await Promise.allSettled(range(20).map(() => batcher.decide({ accountId: 'away', metric: 'messages' })))
    expect(answers.every((answer) => answer.status === 'rejected' && answer.reason instanceof DatabaseUnavailable)).toBe(true)
    isAway = false
    expect((await batcher.decide({ accountId: 'away', metric: 'messages' })).used).toBe(1)
  })

  test('a batch that found the database away after a long silence speaks for those who waited with it, not for who just came', async () => {
    let nowMs = 0
    let isAway = true
    const silence = Promise.withResolvers<void>()
    const silent: Database = {
      async rpc(name, args) {
        if (!isAway) return db.rpc(name, args)
        await silence.promise
        throw new DatabaseUnavailable('silent')
      },
      close: () => Promise.resolve()
    }
    const batcher = createUsageBatcher(silent, { now: () => nowMs })
    const request = { accountId: 'silent', metric: 'messages' }
    const early = Promise.allSettled([batcher.decide(request), batcher.decide(request), batcher.decide(request)])
    nowMs = 1_400
    const late = batcher.decide(request)
    nowMs = 1_500
    isAway = false
    silence.resolve()
    expect((await early).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect((await late).used).toBe(1)
  })

  test('after all of it every counter is the sum of its ledger', async () => {
    expect(await brokenInvariants(owner)).toEqual([])
  })
})

function sizeOf(args: Arguments): number {
  const accountIds = args['p_account_ids']
  return Array.isArray(accountIds) ? accountIds.length : 0
}
