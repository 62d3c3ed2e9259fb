import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { applyMigrations } from '../../../scripts/database/apply.ts'
import { compareCatalogs } from '../../../scripts/database/catalog.ts'
import { readMigrations } from '../../../scripts/database/migration-files.ts'
import { SUPABASE_FOLDER } from '../../../scripts/database/schema-files.ts'
import { catalogOf } from '../support/catalog.ts'
import { createTestDatabase } from '../support/database.ts'
import { createFolder } from '../support/folder.ts'
import { ROOT } from '../support/repository.ts'

const versions = readMigrations().map(({ version }) => version)

/** supabase runs the real CLI on a copy of supabase/, because it keeps notes of its own beside config.toml. */
async function supabase(...args: string[]): Promise<string> {
  const folder = createFolder({})
  cpSync(join(SUPABASE_FOLDER, 'config.toml'), join(folder, 'supabase/config.toml'))
  cpSync(join(SUPABASE_FOLDER, 'migrations'), join(folder, 'supabase/migrations'), { recursive: true })
  const environment = { ...process.env, HOME: folder, SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
  const running = promisify(execFile)(join(ROOT, 'node_modules/.bin/supabase'), args, { cwd: folder, env: environment })
  running.child.stdin?.end()
  const { stdout, stderr } = await running
  return stdout + stderr
}

test('supabase db push builds the same database as our own migrations, and each finds nothing left after the other', async () => {
  const [pushed, applied] = [await createTestDatabase('template0'), await createTestDatabase('template0')]
  expect(await supabase('db', 'push', '--yes', `--db-url=${pushed.url}`)).toContain('Finished supabase db push')
  const [pushedClient, appliedClient] = [await pushed.connect(), await applied.connect()]
  expect(await applyMigrations(appliedClient)).toEqual(versions)
  expect(compareCatalogs(await catalogOf(pushedClient), await catalogOf(appliedClient))).toEqual([])

  expect(await applyMigrations(pushedClient)).toEqual([])
  expect(await supabase('db', 'push', '--yes', `--db-url=${applied.url}`)).toContain('up to date')
}, 60_000)

test('supabase gen types writes the row types of both schemas without Docker', async () => {
  const database = await createTestDatabase()
  const types = await supabase('gen', 'types', 'typescript', `--db-url=${database.url}`, '--schema', 'api,app')
  expect(types).toMatch(/"check_and_increment_usage":/)
  expect(types).toMatch(/"usage_events":/)
}, 60_000)
