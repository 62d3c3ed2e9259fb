import { describe, expect, test } from '@jest/globals'
import { type Arguments, DatabaseError, DatabaseUnavailable, type Row } from '../../src/db/database.ts'
import { withRetries } from '../../src/db/retry.ts'

const serialization = new DatabaseError({ sqlstate: '40001', message: 'could not serialize access' })
const lost = new DatabaseUnavailable('connection lost')

/** run fails with the given errors in turn, then answers; it returns how often it was called and what came out. */
async function run(name: string, args: Arguments, errors: Error[]): Promise<{ calls: number; outcome: Row[] | Error }> {
  let calls = 0
  const call = (): Promise<Row[]> => {
    const error = errors[calls]
    calls += 1
    return error ? Promise.reject(error) : Promise.resolve([{ done: true }])
  }
  const outcome = await withRetries(name, args, call, () => Promise.resolve()).catch((error: Error) => error)
  return { calls, outcome }
}

describe('withRetries', () => {
  test.each(['40001', '40P01'])('repeats any call that Postgres rolled back whole (%s)', async (sqlstate) => {
    const error = new DatabaseError({ sqlstate, message: 'rolled back' })
    expect(await run('delete_chatbot', {}, [error, error])).toEqual({ calls: 3, outcome: [{ done: true }] })
  })

  test('gives up after two repetitions', async () => {
    expect(await run('delete_chatbot', {}, [serialization, serialization, serialization])).toEqual({ calls: 3, outcome: serialization })
  })

  test('does not repeat a write without a request id after a lost connection, for it may have happened', async () => {
    expect(await run('check_and_increment_usage', { p_account_id: 'a', p_request_id: null }, [lost])).toEqual({ calls: 1, outcome: lost })
    expect(await run('record_billing_event', { p_event_id: 'evt_1' }, [lost])).toEqual({ calls: 1, outcome: lost })
  })

  test('repeats a write with a request id, a read, and finish_answer after a lost connection', async () => {
    expect((await run('check_and_increment_usage', { p_request_id: 'r1' }, [lost])).calls).toBe(2)
    expect((await run('read_usage', { p_account_id: 'a' }, [lost])).calls).toBe(2)
    expect((await run('finish_answer', { p_message_id: 'm' }, [lost])).calls).toBe(2)
  })

  test('does not wait again for a database that was silent for seconds, but still says that it is away', async () => {
    let milliseconds = 0
    const silent = (): Promise<Row[]> => {
      milliseconds += 5_000
      return Promise.reject(lost)
    }
    const outcome = withRetries('read_usage', {}, silent, () => Promise.resolve(), () => milliseconds)
    await expect(outcome).rejects.toBe(lost)
    expect(milliseconds).toBe(5_000)
  })

  test('a call whose answer was lost is not told to be undone because its repetition was', async () => {
    const args = { p_batch_id: 'b' }
    expect(await run('check_and_increment_usage_many', args, [lost, serialization, serialization])).toEqual({ calls: 3, outcome: lost })
    const full = new DatabaseError({ sqlstate: '53200', message: 'out of memory' })
    expect(await run('check_and_increment_usage_many', args, [lost, full])).toEqual({ calls: 2, outcome: lost })
    const refused = new DatabaseError({ sqlstate: 'PY409', message: 'used for another request' })
    expect(await run('check_and_increment_usage', { p_request_id: 'r' }, [lost, refused])).toEqual({ calls: 2, outcome: refused })
  })

  test('does not repeat a refusal', async () => {
    const refused = new DatabaseError({ sqlstate: 'PY004', message: 'no' })
    expect(await run('read_usage', {}, [refused])).toEqual({ calls: 1, outcome: refused })
  })
})
