import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'

/*
 * `npm test`: types, then every jest test (pgTAP and the boundaries among them). Arguments go to jest: `npm test -- races`.
 * The last line is the sum, `123 passed, 0 failed`; a failed type check and a test file that cannot be loaded count as
 * one failure each.
 */

const root = resolve(import.meta.dirname, '..')
const jestArguments = process.argv.slice(2)

const resultSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  numRuntimeErrorTestSuites: z.number()
})

/** Sum counts tests. */
type Sum = { passed: number; failed: number }

function main(): Sum {
  section('types')
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const projects = [root, join(root, 'client'), join(root, 'client', 'tests')]
  const typesAreFine = projects.map((project) => runNode([compiler, '--noEmit', '--pretty', 'false', '-p', project])).every(Boolean)
  if (typesAreFine) console.log('no type errors')
  section('tests')
  const tests = runJest()
  return { passed: tests.passed, failed: tests.failed + (typesAreFine ? 0 : 1) }
}

function runJest(): Sum {
  const folder = mkdtempSync(join(tmpdir(), 'parley-results-'))
  const outputFile = join(folder, 'results.json')
  try {
    const jest = join(root, 'node_modules/jest/bin/jest.js')
    const finished = runNode([
      // Both are experimental in Node 24: ES modules inside a vm, and type stripping called as a function.
      '--experimental-vm-modules', '--disable-warning=ExperimentalWarning',
      jest, ...jestArguments, '--json', `--outputFile=${outputFile}`
    ])
    if (!existsSync(outputFile)) return { passed: 0, failed: 1 }
    const result = resultSchema.parse(JSON.parse(readFileSync(outputFile, 'utf8')))
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + leftOut(result)
    // Jest also fails without a failing test: no test found, or a broken teardown.
    return { passed: result.numPassedTests, failed: !finished && failed === 0 ? 1 : failed }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// A run of everything that leaves tests out (a forgotten `only`, a skip) must not look green.
function leftOut(result: z.infer<typeof resultSchema>): number {
  const skipped = result.numPendingTests + result.numTodoTests
  if (jestArguments.length > 0 || skipped === 0) return 0
  console.log(`${skipped} tests were skipped; a full run counts them as failed.`)
  return skipped
}

function runNode(args: string[]): boolean {
  return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

function section(name: string): void {
  console.log(`\n== ${name} ==`)
}

const { passed, failed } = main()
process.exitCode = failed === 0 ? 0 : 1
console.log(`\n${passed} passed, ${failed} failed`)
