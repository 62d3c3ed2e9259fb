import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { startChild } from '../../embedded/child.ts'
import { codeOf } from '../../embedded/start-error.ts'

/** Failure is a test that failed: its full name and what it said. */
export type Failure = { name: string; message: string }

/**
 * JestRun is how a run of jest ended. `broken` says in a line why it tells nothing: no test ran, a file could not be loaded,
 * the database could not be built, it took too long. It is null otherwise, and `failures` are then what was noticed.
 */
export type JestRun = { passed: number; failures: Failure[]; broken: string | null }

const resultSchema = z.object({
  numPassedTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
  testResults: z.array(
    z.object({
      message: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).nullish() }))
    })
  )
})

/** JestOptions: `paths` are patterns of jest, `name` of tests; whoever takes longer than `timeoutMs` is killed. */
export type JestOptions = { root: string; paths: string[]; name?: string; withoutDatabase?: true; workers: number; timeoutMs: number }

/** runJest runs tests of the tree at `root`, in an environment without anything of a jest around this one. */
export async function runJest(options: JestOptions): Promise<JestRun> {
  const { root } = options
  const outputFile = join(root, '.mutants-result.json')
  rmSync(outputFile, { force: true })
  const noSetup = join(root, '.mutants-setup.mjs')
  writeFileSync(noSetup, 'export default () => {}\n')
  const child = startChild({
    program: process.execPath,
    args: [
      '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...options.paths, ...(options.name === undefined ? [] : ['--testNamePattern', options.name]),
      '--bail', '--ci', '--forceExit', '--json', `--outputFile=${outputFile}`, `--cacheDirectory=${join(root, '.mutants-cache')}`,
      ...(options.workers === 1 ? ['--runInBand'] : [`--maxWorkers=${options.workers}`]),
      ...(options.withoutDatabase === true ? [`--globalSetup=${noSetup}`] : [])
    ],
    workingFolder: root,
    user: null,
    readAnywhere: false,
    endsWithParent: 'KILL',
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const tail: string[] = []
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail.push(text)
    if (tail.length > 50) tail.shift()
  })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    killGroup(child.pid)
  }, options.timeoutMs)
  const { code } = await child.ended
  clearTimeout(timer)
  if (isLate) return { passed: 0, failures: [], broken: `its tests did not end within ${options.timeoutMs / 1000} s` }
  if (!existsSync(outputFile)) return { passed: 0, failures: [], broken: `jest ended with ${code ?? 'a signal'}: ${lastLine(tail.join(''))}` }
  return readResult(readFileSync(outputFile, 'utf8'))
}

/** readResult judges the JSON that jest wrote. */
export function readResult(json: string): JestRun {
  const result = resultSchema.parse(JSON.parse(json))
  const failures = result.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({ name: fullName, message: (failureMessages ?? []).join('\n') }))
  )
  return { passed: result.numPassedTests, failures, broken: brokenBy(result, failures) }
}

function brokenBy(result: z.output<typeof resultSchema>, failures: Failure[]): string | null {
  if (failures.length > 0) {
    // A mutant that cannot run is noticed by whatever touches it, and shows nothing about the tests.
    return failures.every(({ message }) => CANNOT_RUN.test(message)) ? `it cannot run: ${firstLine(failures[0]?.message ?? '')}` : null
  }
  if (result.numRuntimeErrorTestSuites > 0) return `a file cannot be loaded: ${firstLine(result.testResults.find(({ message }) => message !== '')?.message ?? '')}`
  return result.numPassedTests === 0 ? 'no test ran' : null
}

const CANNOT_RUN = new RegExp(
  [
    'ReferenceError', 'is not a function', 'syntax error at or near', 'has no field "',
    '\\(42(601|703|P01|P02|883|702|804|P18|P10)\\)', 'column "?[\\w.]+"? does not exist', 'missing FROM-clause entry'
  ].join('|')
)

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // It has ended by itself meanwhile.
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function firstLine(text: string): string {
  return text.split('\n').map((line) => line.trim()).find((line) => line !== '')?.slice(0, 200) ?? 'nothing'
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim().slice(0, 300) ?? 'nothing'
}
