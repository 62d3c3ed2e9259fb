import { describe, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { z } from 'zod'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'

test('two test databases do not see each other', async () => {
  const [one, two] = [await createTestDatabase(), await createTestDatabase()]
  const [first, second] = [await one.connect(), await two.connect()]
  await first.query('create table only_here ()')
  expect(await second.query(`select to_regclass('only_here') as found`)).toMatchObject({ rows: [{ found: null }] })
})

test('a clone is a migrated sandbox that knows the prices', async () => {
  const client = await (await createTestDatabase()).connect()
  expect(await client.query('select kind from environment')).toMatchObject({ rows: [{ kind: 'sandbox' }] })
  const { rows } = await client.query('select price_id from processor_prices order by price_id')
  expect(rows).toHaveLength(20)
  expect(rows).toContainEqual({ price_id: 'pri_growth_yearly' })
})

test('a connection nobody closes fails the drop, and the database is gone all the same', async () => {
  const database = await createTestDatabase()
  const leak = new Client({ connectionString: database.url, application_name: 'leaky' })
  await leak.connect()
  leak.on('error', () => undefined)
  await expect(database.drop()).rejects.toThrow(/^Connections to t_\w+ were never closed \(use closeAfterTests\):\n- postgres leaky:/)
  const other = await (await createTestDatabase()).connect()
  expect(await other.query('select 1 from pg_database where datname = $1', [database.name])).toMatchObject({ rows: [] })
  await leak.end().catch(() => undefined)
})

describe.each(transports)('the server database over %s', (transport) => {
  test('calls api functions of its own clone, as service_role', async () => {
    const testDatabase = await createTestDatabase()
    const database = await openDatabase(transport, testDatabase)
    const rows = z.array(z.object({ used: z.number() })).parse(
      await database.rpc('check_and_increment_usage', { p_account_id: 'user_1', p_metric: 'messages', p_amount: 3 })
    )
    expect(rows).toEqual([expect.objectContaining({ used: 3 })])
    const client = await testDatabase.connect()
    expect(await client.query('select sum(amount)::int as sum from usage_events')).toMatchObject({ rows: [{ sum: 3 }] })
  })
})
