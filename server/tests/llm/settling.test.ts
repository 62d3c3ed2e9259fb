import { describe, expect, test } from '@jest/globals'
import { type Database, DatabaseError, DatabaseUnavailable } from '../../src/db/database.ts'
import { giveBackLostAnswer, settleAnswer } from '../../src/llm/settling.ts'
import { watchForStop } from '../../src/llm/stop-watch.ts'

const answer = { accountId: 'user_1', messageId: 'm' }
const settlement = { ...answer, status: 'complete' as const, content: 'x', citations: [], inputTokens: 1, outputTokens: 1 }
const row = { status: 'complete', charged_messages: 1, charged_tokens: 2, used: 1, quota: 100, remaining: 99, resets_at: null }

function scripted(...answers: (Error | Record<string, unknown> | undefined)[]): Database & { calls: number } {
  const database = {
    calls: 0,
    rpc() {
      const next = answers[Math.min(database.calls, answers.length - 1)]
      database.calls += 1
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next === undefined ? [] : [next])
    },
    close: () => Promise.resolve()
  }
  return database
}

describe('settleAnswer', () => {
  test('tries again with growing pauses while the database is away, and settles once it is back', async () => {
    const pauses: number[] = []
    const away = new DatabaseUnavailable('away')
    const finish = await settleAnswer(scripted(away, away, row), settlement, async (pause) => void pauses.push(pause))
    expect(finish.chargedTokens).toBe(2)
    expect(pauses).toEqual([100, 300])
  })

  test('gives up after about twenty seconds', async () => {
    const pauses: number[] = []
    const database = scripted(new DatabaseUnavailable('away'))
    await expect(settleAnswer(database, settlement, async (pause) => void pauses.push(pause))).rejects.toThrow(DatabaseUnavailable)
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBe(20_400)
  })

  test('does not repeat what the database refused', async () => {
    const database = scripted(new DatabaseError({ sqlstate: 'PY004', message: 'status' }))
    await expect(settleAnswer(database, settlement)).rejects.toThrow(DatabaseError)
    expect(database.calls).toBe(1)
  })
})

describe('giveBackLostAnswer', () => {
  const never = new AbortController().signal

  test('looks again while the database is away or does not know the answer yet, and ends once it is given back', async () => {
    const database = scripted(new DatabaseUnavailable('away'), undefined, undefined, { ...row, status: 'failed' })
    const pauses: number[] = []
    await giveBackLostAnswer(database, answer, never, async (pause) => void pauses.push(pause))
    expect({ calls: database.calls, pauses }).toEqual({ calls: 4, pauses: [100, 300, 1_000, 3_000] })
  })

  test('ends after about twenty seconds, at a refusal, and when it is stopped', async () => {
    let pausedMs = 0
    const unknown = scripted(undefined)
    await giveBackLostAnswer(unknown, answer, never, async (pause) => void (pausedMs += pause))
    expect(pausedMs).toBe(20_400)
    const refusing = scripted(new DatabaseError({ sqlstate: 'PY004', message: 'status' }))
    await giveBackLostAnswer(refusing, answer, never, async () => {})
    expect(refusing.calls).toBe(1)
    await giveBackLostAnswer(refusing, answer, AbortSignal.abort())
    expect(refusing.calls).toBe(1)
  })
})

describe('watchForStop', () => {
  test('calls back once when a stop was requested, whatever failed before', async () => {
    const database = scripted(new DatabaseUnavailable('away'), { stop_requested: false }, { stop_requested: true })
    let stops = 0
    await new Promise<void>((resolve) => {
      watchForStop(database, answer, 1, () => {
        stops += 1
        resolve()
      })
      // The watch must not keep a process alive by itself; this test has to.
      const alive = setInterval(() => stops > 0 && clearInterval(alive), 5)
    })
    expect({ stops, calls: database.calls }).toEqual({ stops: 1, calls: 3 })
  })

  test('asks no more after its end', async () => {
    const database = scripted({ stop_requested: true })
    watchForStop(database, answer, 1, () => expect('called').toBe('never'))()
    await new Promise((resolve) => setImmediate(resolve))
    expect(database.calls).toBe(0)
  })
})
