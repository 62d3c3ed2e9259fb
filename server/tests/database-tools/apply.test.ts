import { expect, test } from '@jest/globals'
import { Client } from 'pg'
import { applyMigrations, applyRollback, MigrationError, pendingVersions } from '../../../scripts/database/apply.ts'
import { closeAfterTests, createTestDatabase } from '../support/database.ts'
import { createFolder } from '../support/folder.ts'
import { untilBlocked } from '../support/steps.ts'

const FIRST = 'create schema house; create table house.rooms (id int primary key);\n-- a last comment'
const SECOND = `create function house.count_rooms() returns bigint language sql as 'select count(*) from house.rooms';`
const TWO = {
  'migrations/20260101000000_create_house.sql': FIRST,
  'migrations/20260102000000_add_count.sql': SECOND,
  'rollbacks/20260102000000_add_count.sql': 'drop function house.count_rooms();'
}

async function emptyDatabase(): Promise<Client> {
  return (await createTestDatabase('template0')).connect()
}

test('migrations are applied once, in order, and recorded as the Supabase CLI records them', async () => {
  const client = await emptyDatabase()
  const supabaseFolder = createFolder(TWO)
  const lines: string[] = []
  const options = { supabaseFolder, log: (line: string) => lines.push(line) }
  expect(await pendingVersions(client, options)).toEqual(['20260101000000', '20260102000000'])
  expect(await applyMigrations(client, options)).toEqual(['20260101000000', '20260102000000'])
  expect(lines).toEqual(['applied 20260101000000_create_house.sql', 'applied 20260102000000_add_count.sql'])
  expect(await applyMigrations(client, options)).toEqual([])
  const { rows } = await client.query('select version, name, statements from supabase_migrations.schema_migrations order by 1')
  expect(rows).toEqual([
    { version: '20260101000000', name: 'create_house', statements: [FIRST] },
    { version: '20260102000000', name: 'add_count', statements: [SECOND] }
  ])
})

test('two starters at once apply each migration once', async () => {
  const database = await createTestDatabase('template0')
  const supabaseFolder = createFolder(TWO)
  const clients = await Promise.all(Array.from({ length: 8 }, () => database.connect()))
  const applied = await Promise.all(clients.map((client) => applyMigrations(client, { supabaseFolder })))
  expect(applied.flat().toSorted()).toEqual(['20260101000000', '20260102000000'])
})

test('roles belong to all databases of a server: a migration that meets another database’s at the same role comes after it', async () => {
  const [one, other] = [await createTestDatabase('template0'), await createTestDatabase('template0')]
  const [client, observer, elsewhere] = [await one.connect(), await one.connect(), await other.connect()]
  // To what it is: other tests have this role too.
  const alter = 'alter role operator connection limit -1'
  await elsewhere.query(`begin; ${alter}`)
  const supabaseFolder = createFolder({ 'migrations/20260101000000_limit_role.sql': `create table once (); ${alter}` })
  const applying = applyMigrations(client, { supabaseFolder })
  await untilBlocked(observer)
  await elsewhere.query('commit')
  expect(await applying).toEqual(['20260101000000'])
  expect(await pendingVersions(client, { supabaseFolder })).toEqual([])
})

test('a migration that fails leaves nothing of itself behind, and the message names file, line and reason', async () => {
  const client = await emptyDatabase()
  const supabaseFolder = createFolder({ ...TWO, 'migrations/20260102000000_add_count.sql': 'create table house.half ();\nselect no_such();' })
  await expect(applyMigrations(client, { supabaseFolder })).rejects.toThrow(
    /^supabase\/migrations\/20260102000000_add_count\.sql:2: function no_such\(\) does not exist \(42883\)\./
  )
  expect(await client.query(`select to_regclass('house.rooms') is not null as first, to_regclass('house.half') as second`)).toMatchObject({
    rows: [{ first: true, second: null }]
  })
  expect(await pendingVersions(client, { supabaseFolder })).toEqual(['20260102000000'])
})

test('a database with a version this checkout does not know is refused, unchanged', async () => {
  const client = await emptyDatabase()
  await applyMigrations(client, { supabaseFolder: createFolder(TWO) })
  const older = createFolder({ 'migrations/20260101000000_create_house.sql': FIRST })
  await expect(applyMigrations(client, { supabaseFolder: older })).rejects.toThrow(
    /^The database holds 20260102000000_add_count, which this checkout does not know: .*Nothing was changed\.$/
  )
})

test('a migration older than an applied one is refused', async () => {
  const client = await emptyDatabase()
  await applyMigrations(client, { supabaseFolder: createFolder(TWO) })
  const merged = createFolder({ ...TWO, 'migrations/20260101120000_add_late.sql': 'create table house.late ();' })
  await expect(applyMigrations(client, { supabaseFolder: merged })).rejects.toThrow(
    /^20260101120000_add_late\.sql is older than 20260102000000, .*give it a new timestamp/
  )
})

test('a login without the rights is refused with one sentence', async () => {
  const database = await createTestDatabase('template0')
  const client = new Client({ connectionString: database.serverUrl })
  await client.connect()
  closeAfterTests(() => client.end())
  const refused = applyMigrations(client, { supabaseFolder: createFolder(TWO) })
  await expect(refused).rejects.toThrow(/^The login authenticator may not create schemas in database t_\w+: migrate with the owner's/)
  await expect(refused).rejects.toBeInstanceOf(MigrationError)
})

test('a rollback undoes the latest migration only, and the migration can be applied again', async () => {
  const client = await emptyDatabase()
  const supabaseFolder = createFolder({ ...TWO, 'rollbacks/20260101000000_create_house.sql': 'drop schema house cascade;' })
  await applyMigrations(client, { supabaseFolder })
  await expect(applyRollback(client, '20260101000000', { supabaseFolder })).rejects.toThrow(
    'Only the latest migration (20260102000000) can be rolled back, not 20260101000000.'
  )
  await applyRollback(client, '20260102000000', { supabaseFolder })
  expect(await client.query(`select to_regproc('house.count_rooms') as found`)).toMatchObject({ rows: [{ found: null }] })
  expect(await applyMigrations(client, { supabaseFolder })).toEqual(['20260102000000'])
  await expect(applyRollback(client, '20260103000000', { supabaseFolder })).rejects.toThrow('There is no migration 20260103000000')
})

test('a rollback that does not exist is refused by name', async () => {
  const client = await emptyDatabase()
  const supabaseFolder = createFolder({ 'migrations/20260101000000_create_house.sql': FIRST })
  await applyMigrations(client, { supabaseFolder })
  await expect(applyRollback(client, '20260101000000', { supabaseFolder })).rejects.toThrow(
    'supabase/rollbacks/20260101000000_create_house.sql does not exist'
  )
})

test('a file means the same whatever search path the database has', async () => {
  const client = await emptyDatabase()
  await client.query(`create schema app; set search_path = app, public`)
  await applyMigrations(client, { supabaseFolder: createFolder({ 'migrations/20260101000000_create_bare.sql': 'create table bare ();' }) })
  expect(await client.query(`select 'public.bare'::regclass is not null as found`)).toMatchObject({ rows: [{ found: true }] })
})

test('a file whose name is no version and verb_noun is refused', async () => {
  const client = await emptyDatabase()
  const supabaseFolder = createFolder({ 'migrations/2026_Create.sql': '' })
  await expect(applyMigrations(client, { supabaseFolder })).rejects.toThrow('the name must be <yyyymmddhhmmss>_<verb_noun>.sql')
})
