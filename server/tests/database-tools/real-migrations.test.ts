import { randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { applyMigrations } from '../../../scripts/database/apply.ts'
import { withClient } from '../../../scripts/database/with-client.ts'
import { readAccount } from '../../src/db/functions/read-account.ts'
import { openPostgres } from '../../src/db/postgres.ts'
import { closeAfterTests, createTestDatabase } from '../support/database.ts'

const quiet = { log: () => undefined }

test('in a database made by the migrations no role but the owner may make temporary objects, which would be found before ours', async () => {
  // From template0: a clone of the migrated template would lack the database's own privileges.
  const database = await createTestDatabase('template0')
  const refused = await withClient(database.url, async (client) => {
    await applyMigrations(client, quiet)
    const { rows } = await client.query<{ role: string }>(
      `select rolname as role from pg_roles
        where rolname in ('anon', 'authenticated', 'service_role', 'operator')
          and not has_database_privilege(rolname, current_database(), 'temporary')
        order by 1`
    )
    return rows.map(({ role }) => role)
  })
  expect(refused).toEqual(['anon', 'authenticated', 'operator', 'service_role'])
})

test('one login that owns the database and is no superuser is enough to migrate and to serve', async () => {
  const database = await createTestDatabase('template0')
  const login = `test_owner_${randomBytes(6).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await withClient(database.url, async (client) => {
    await client.query(`create role ${login} login createrole password '${password}'`)
    await client.query(`alter database ${database.name} owner to ${login}`)
    // The roles are there already, made by another: on a server of its own the owner makes them and has them.
    await client.query(`grant anon, authenticated, service_role, operator to ${login} with admin option`)
  })
  closeAfterTests(() =>
    withClient(database.url, async (client) => {
      await client.query(`reassign owned by ${login} to current_user; drop owned by ${login}; drop role ${login}`)
    })
  )
  const url = Object.assign(new URL(database.url), { username: login, password }).href
  await withClient(url, (client) => applyMigrations(client, quiet))
  const db = openPostgres({ url })
  closeAfterTests(() => db.close())
  expect(await readAccount(db, { accountId: 'user_1' })).toMatchObject({ accountId: 'user_1', plan: 'free' })
})
