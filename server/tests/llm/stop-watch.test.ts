import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { Database, Row } from '../../src/db/database.ts'
import { watchForStop } from '../../src/llm/stop-watch.ts'

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

test.each([true, false])('an answer that ends while it is being asked about is not stopped, nor asked about again (a stop is requested: %s)', async (isRequested) => {
  const answered = Promise.withResolvers<Row[]>()
  let calls = 0
  let stops = 0
  const db: Database = {
    rpc: () => {
      calls += 1
      return answered.promise
    },
    close: () => Promise.resolve()
  }
  const end = watchForStop(db, { accountId: 'a', messageId: 'm' }, 1_000, () => (stops += 1))
  await jest.advanceTimersByTimeAsync(1_000)
  expect(calls).toBe(1)
  end()
  answered.resolve([{ stop_requested: isRequested }])
  await jest.advanceTimersByTimeAsync(10_000)
  expect({ calls, stops }).toEqual({ calls: 1, stops: 0 })
})
