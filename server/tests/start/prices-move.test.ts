import { beforeAll, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runCommand } from './parley-process.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  const client = await database.connect()
  // Whoever is past due cannot be moved; the others can. Paddle is told shortly before the period ends.
  for (const [account, status] of [['user_1', 'active'], ['user_2', 'past_due']]) {
    await client.query(
      `select api.record_billing_event($1, 'paddle', 'evt_' || $1, 'test', 'state', app.clock(), 2, 'ctm_' || $1, 'sub_' || $1, $2, null,
                                       array['pri_growth_monthly'], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, '{}')`,
      [account, status]
    )
  }
  await client.query(`insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 9900)`)
  await client.query(`select api.upsert_price('paddle', 'pri_growth_monthly_2', 'growth', 'month', 2)`)
})

const move = (...args: string[]) => runCommand('prices-move.ts', args, { DATABASE_URL: database.serverUrl })

test('prices:move shows, then moves, and moves anew who took the move back', async () => {
  const client = await database.connect()
  const scheduled = async () => (await client.query(`select account_id from app.plan_changes where status = 'scheduled'`)).rows
  const dry = await move()
  expect([dry.code, await scheduled()]).toEqual([0, []])
  expect(dry.output).toContain('2 would be moved. With --yes they are.')

  const first = await move('--yes')
  expect(first.code).toBe(0)
  expect(first.output).toMatch(/^user_1 growth per month: USD 79\.00 → USD 99\.00 from .*: scheduled, the processor is told shortly before$/m)
  expect(first.output).toMatch(/^user_2 .*: not moved, the last payment is overdue; run this again when it is paid$/m)
  expect(await scheduled()).toEqual([{ account_id: 'user_1' }])
  expect((await move('--yes')).output).toMatch(/^user_1 .*: another change is scheduled, left alone$/m)

  await client.query(`select api.begin_plan_change_undo('user_1')`)
  expect(await scheduled()).toEqual([])
  const again = await move('--yes')
  expect(again.output).toMatch(/^user_1 .*: scheduled, the processor is told shortly before$/m)
  expect(await scheduled()).toEqual([{ account_id: 'user_1' }])
}, 60_000)
