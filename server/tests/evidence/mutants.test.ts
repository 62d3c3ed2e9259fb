import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { mutants } from '../../../scripts/evidence/mutants.ts'
import { ALL_MUTANTS } from '../../../scripts/evidence/mutants/all.ts'
import { readResult } from '../../../scripts/evidence/mutants/jest-run.ts'
import { editOf, isSql, type Mutant, pgtap } from '../../../scripts/evidence/mutants/mutant.ts'
import { copyTree } from '../../../scripts/evidence/mutants/tree.ts'
import { judge, type Judged } from '../../../scripts/evidence/mutants/verdict.ts'

test('the short dose takes out one guard of the database and one of the server, and both are missed', async () => {
  const checks = await mutants({ seed: 'npm test', short: true, progress: () => undefined })
  expect(checks.flatMap(({ violations }) => violations)).toEqual([])
  expect(checks.map(({ guarantee, dose, result }) => `${guarantee}: ${dose}, ${result}`)).toEqual([
    'the tests that are to catch pass while every guard is in place: 2 runs of tests, 2 pass',
    'each guard of the list is where it says, and what is left without it still runs: 2 mutants, 2 applied',
    'the tests notice the absence of at least 95 % of the guards: 2 mutants, one at a time, 2 noticed, 100.0 %',
    'a guard whose absence no test notices is one that is known and explained: 0 survivors, 0 explained'
  ])
}, 120_000)

describe('the list', () => {
  test('has at least 60 guards, of the database and of the server, each under a name of its own', () => {
    expect(ALL_MUTANTS.length).toBeGreaterThanOrEqual(60)
    expect(new Set(ALL_MUTANTS.map(({ id }) => id)).size).toBe(ALL_MUTANTS.length)
    expect(ALL_MUTANTS.filter(isSql).length).toBeGreaterThanOrEqual(40)
    expect(ALL_MUTANTS.filter((mutant) => !isSql(mutant)).length).toBeGreaterThanOrEqual(20)
    expect(ALL_MUTANTS.filter(({ tests }) => tests.length === 0)).toEqual([])
  })

  test('has every guard where it says', () => {
    const root = join(import.meta.dirname, '..', '..', '..')
    const missing = ALL_MUTANTS.flatMap((mutant) => {
      const edit = editOf(mutant, readFileSync(join(root, mutant.file), 'utf8'))
      return typeof edit === 'string' ? [`${mutant.id}: ${edit}`] : []
    })
    expect(missing).toEqual([])
  })
})

describe('a planted fault of the books is reported:', () => {
  const caught = (id: string): Judged => ({ id, guard: 'a guard', verdict: 'caught', detail: 'a test' })
  const twenty = Array.from({ length: 20 }, (_, index) => caught(`mutant-${index}`))
  const violations = (judged: Judged[], red: string[] = []): string[] => judge(judged, red, 1).flatMap((check) => check.violations)

  test('none where all are caught', () => expect(violations(twenty)).toEqual([]))

  test('a survivor that nobody explains', () => {
    expect(violations([...twenty, { ...caught('gone'), verdict: 'survived' }])).toEqual(['nobody notices that gone is gone: a guard'])
  })

  test('not one that is explained, which is told', () => {
    const judged: Judged[] = [...twenty, { ...caught('gone'), verdict: 'survived', survives: 'no way to see it' }]
    expect(violations(judged)).toEqual([])
    expect(judge(judged, [], 1).map(({ result }) => result)).toContain('1 explained: gone (no way to see it)')
  })

  test('one that is explained and caught all the same', () => {
    expect(violations([...twenty, { ...caught('seen'), survives: 'no way to see it' }])).toEqual(['seen is said to survive, and is noticed by "a test"'])
  })

  test('a mutant that is void, which is not caught', () => {
    expect(violations([...twenty, { ...caught('broken'), verdict: 'void', detail: 'its text is gone' }])).toEqual(['broken: its text is gone'])
    expect(violations(twenty.map((one) => ({ ...one, verdict: 'void' }))).at(-1)).toBe('0 of 20 are noticed, 0.0 %')
  })

  test('a share below 95 %, explained or not', () => {
    const explained: Judged = { ...caught('gone'), verdict: 'survived', survives: 'no way to see it' }
    expect(violations([...twenty.slice(1), explained])).toEqual([])
    expect(violations([...twenty.slice(2), explained, explained])).toEqual(['18 of 20 are noticed, 90.0 %'])
  })

  test('tests that fail without any mutant, and a run of none', () => {
    expect(violations(twenty, ['a file: a test'])).toEqual(['a file: a test'])
    expect(violations([])).toContain('nothing was tried')
  })
})

describe('a mutant', () => {
  const mutant: Mutant = { id: 'one', guard: 'a guard', file: 'server/src/a.ts', find: 'guard()', replace: '', tests: [pgtap('a')] }

  test('takes its guard out where it stands once, or at the place it names', () => {
    expect(editOf(mutant, 'a guard() b')).toEqual({ file: 'server/src/a.ts', text: 'a  b' })
    expect(editOf({ ...mutant, nth: 2 }, 'guard() a guard() b guard()')).toEqual({ file: 'server/src/a.ts', text: 'guard() a  b guard()' })
  })

  test('is void where that is gone, or not the only one', () => {
    expect(editOf(mutant, 'a b')).toBe('its text stands 0 times in server/src/a.ts')
    expect(editOf(mutant, 'guard() guard()')).toBe('its text stands 2 times in server/src/a.ts')
    expect(editOf({ ...mutant, nth: 3 }, 'guard() guard()')).toBe('its text stands 2 times in server/src/a.ts')
  })

  test('of the database comes as a migration after all others: the mutated file, or a statement', () => {
    const sql = { ...mutant, file: 'supabase/schemas/functions/a.sql' }
    const file = 'supabase/migrations/99991231235959_take_guard_out.sql'
    expect(editOf(sql, 'a guard() b')).toEqual({ file, text: 'a  b' })
    expect(editOf({ ...sql, statement: 'drop it' }, 'a guard() b')).toEqual({ file, text: 'drop it' })
    expect(editOf({ ...sql, statement: 'drop it' }, 'a b')).toBe(`its text stands 0 times in ${sql.file}`)
  })

  test('of a process that was killed leaves a copy behind until the next one is made', () => {
    const root = mkdtempSync(join(tmpdir(), 'parley-mutants-test-'))
    const { pid } = spawnSync(process.execPath, ['--version'])
    const abandoned = mkdtempSync(join(tmpdir(), `parley-mutants-${pid}-`))
    copyTree(root).remove()
    rmSync(root, { recursive: true })
    expect(existsSync(abandoned)).toBe(false)
  })

  test('is written into a copy and taken back, and never into the tree itself', () => {
    const root = mkdtempSync(join(tmpdir(), 'parley-mutants-test-'))
    try {
      for (const [file, text] of [['server/src/a.ts', 'a guard() b'], ['.git/HEAD', ''], ['node_modules/x/y.js', 'shared']] as const) {
        mkdirSync(dirname(join(root, file)), { recursive: true })
        writeFileSync(join(root, file), text)
      }
      const tree = copyTree(root)
      const undo = [tree.apply({ file: 'server/src/a.ts', text: 'a b' }), tree.apply({ file: 'server/src/new.ts', text: 'new' })]
      expect([tree.read('server/src/a.ts'), tree.read('server/src/new.ts'), tree.read('node_modules/x/y.js')]).toEqual(['a b', 'new', 'shared'])
      expect(tree.read('.git/HEAD')).toBeNull()
      for (const one of undo) one()
      expect([tree.read('server/src/a.ts'), tree.read('server/src/new.ts')]).toEqual(['a guard() b', null])
      tree.remove()
      expect([existsSync(tree.root), existsSync(join(root, 'node_modules/x/y.js')), existsSync(join(root, 'server/src/new.ts'))]).toEqual([false, true, false])
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})

describe('a run of jest', () => {
  type Assertion = { status: string; fullName: string; failureMessages: string[] }
  const run = (assertionResults: Assertion[], message = '', runtimeErrors = 0): ReturnType<typeof readResult> =>
    readResult(
      JSON.stringify({
        numPassedTests: assertionResults.filter(({ status }) => status === 'passed').length,
        numRuntimeErrorTestSuites: runtimeErrors,
        testResults: [{ message, assertionResults }]
      })
    )
  const passed: Assertion = { status: 'passed', fullName: 'a', failureMessages: [] }
  const failed = (message: string): Assertion => ({ status: 'failed', fullName: 'b', failureMessages: [message] })

  test('that has a failed test has noticed something', () => {
    expect(run([passed, failed('not ok 1 - one is two')])).toEqual({ passed: 1, failures: [{ name: 'b', message: 'not ok 1 - one is two' }], broken: null })
  })

  test.each(['ReferenceError: x is not defined', 'line 3: column a.b does not exist (42703), after "the start"'])(
    'that fails because the mutant cannot run (%s) tells nothing',
    (message) => {
      expect(run([failed(message)]).broken).toMatch(/^it cannot run: /)
      expect(run([failed(message), failed('not ok 1')]).broken).toBeNull()
    }
  )

  test('without any test, and of a file that cannot be loaded, tells nothing', () => {
    expect(run([]).broken).toBe('no test ran')
    expect(run([passed], '● Test suite failed to run\n\n  Cannot find module', 1).broken).toBe('a file cannot be loaded: ● Test suite failed to run')
  })
})
