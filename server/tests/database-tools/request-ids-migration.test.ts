import { expect, test } from '@jest/globals'
import { applyMigrations, applyRollback } from '../../../scripts/database/apply.ts'
import { withClient } from '../../../scripts/database/with-client.ts'
import { createTestDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

const BEFORE = '20261121160000'
const WAIT_IN_ORDER = '20261121160001'

test('the migration to one table of request ids keeps those that gave units back before it, and so does its rollback', async () => {
  const database = await createTestDatabase('template0')
  await withClient(database.url, async (client) => {
    const charge = (requestId: string): Promise<unknown> =>
      client.query(`select * from api.check_and_increment_usage('user_1', 'messages', 5, $1)`, [requestId])
    const giveBack = async (requestId: string): Promise<unknown> => {
      const { rows } = await client.query(`select used::integer, replayed from api.decrement_usage('user_1', 'messages', 5, $1)`, [requestId])
      return rows[0]
    }
    const refusal = { code: 'PY409', message: 'request id given gave units back before it charged any; use another id' }

    await applyMigrations(client, { through: BEFORE })
    for (const requestId of ['charged', 'returned', 'kept']) await charge(requestId)
    expect(await giveBack('returned')).toEqual({ used: 10, replayed: false })
    expect(await giveBack('given')).toEqual({ used: 5, replayed: false })
    await expect(charge('given')).rejects.toMatchObject(refusal)

    await applyMigrations(client, { through: WAIT_IN_ORDER })
    await expect(charge('given')).rejects.toMatchObject(refusal)
    expect(await giveBack('given')).toEqual({ used: 5, replayed: true })
    expect(await giveBack('returned')).toEqual({ used: 10, replayed: true })
    expect(await giveBack('charged')).toEqual({ used: 0, replayed: false })
    expect(await giveBack('given_after')).toEqual({ used: 0, replayed: false })
    expect(await brokenInvariants(client)).toEqual([])

    await applyRollback(client, WAIT_IN_ORDER)
    await expect(charge('given')).rejects.toMatchObject(refusal)
    await expect(charge('given_after')).rejects.toMatchObject({ code: 'PY409' })
    expect(await giveBack('given_after')).toEqual({ used: 0, replayed: true })
    await applyMigrations(client, { through: WAIT_IN_ORDER })
    await expect(charge('given_after')).rejects.toMatchObject({ code: 'PY409' })
    expect(await brokenInvariants(client)).toEqual([])
  })
}, 60_000)
