import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { SUPABASE_FOLDER } from '../../scripts/database/schema-files.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { installPgtap, runTapFile } from './support/pgtap.ts'
import { judgeTap, type TapReport } from './support/tap.ts'

const folder = join(SUPABASE_FOLDER, 'tests')
const files = globSync('**/*.test.sql', { cwd: folder }).sort()
let template: TestDatabase

beforeAll(async () => {
  template = await createTestDatabase()
  const client = await template.connect()
  await installPgtap(client)
  await client.end()
})

async function runInClone(sql: string): Promise<TapReport> {
  const clone = await createTestDatabase(template.name)
  const report = await runTapFile(await clone.connect(), sql)
  await clone.drop()
  return report
}

describe('pgTAP', () => {
  test('there are files to run', () => expect(files).not.toHaveLength(0))

  for (const file of files) {
    test(`supabase/tests/${file}`, async () => {
      const report = await runInClone(readFileSync(join(folder, file), 'utf8'))
      if (report.failures.length > 0) throw new Error(report.failures.join('\n\n'))
    })
  }
})

describe('the pgTAP runner', () => {
  test('accepts a file whose plan is met', async () => {
    const report = await runInClone(`begin; select plan(1); select ok(true, 'fine'); select * from finish(); rollback;`)
    expect(report).toEqual({ tests: 1, failures: [] })
  })

  test('reports a failing assertion with its diagnostics', async () => {
    const report = await runInClone(`select plan(2); select ok(true); select is(1, 2, 'one is two'); select * from finish();`)
    expect(report.tests).toBe(2)
    expect(report.failures).toEqual([expect.stringMatching(/^not ok 2 - one is two[\s\S]*have: 1[\s\S]*want: 2/)])
  })

  test('reports a file that stops early, by an SQL error or silently', async () => {
    const stopped = await runInClone(`select plan(2);\nselect ok(true, 'first');\nselect no_such_thing();`)
    expect(stopped.failures[0]).toMatch(/^line 3: function no_such_thing\(\) does not exist \(42883\), after "ok 1 - first"/)
    expect((await runInClone(`select plan(2); select ok(true);`)).failures).toEqual(['2 tests were planned, 1 ran.'])
  })

  test('reports a file without a plan', async () => {
    expect((await runInClone(`select 'ok 1 - by hand';`)).failures[0]).toMatch(/^There is no plan/)
  })

  test('lets a file switch roles between assertions', async () => {
    const report = await runInClone(
      `begin; select plan(2); set local role anon; select is(current_user, 'anon'); reset role; select ok(true); rollback;`
    )
    expect(report).toEqual({ tests: 2, failures: [] })
  })

  test('counts a TODO as no failure, and an empty plan as one', () => {
    expect(judgeTap(['1..1', 'not ok 1 - later # TODO', '#   Failed (TODO) test 1'])).toEqual({ tests: 1, failures: [] })
    expect(judgeTap(['1..0']).failures).toEqual(['The plan is empty.'])
  })
})
