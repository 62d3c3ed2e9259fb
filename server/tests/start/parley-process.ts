import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { dataPaths } from '../../../scripts/embedded/data-folder.ts'
import { freePort } from '../../../scripts/embedded/free-port.ts'
import type { ProcessIdentity } from '../../../scripts/embedded/process-identity.ts'
import { readLeftState, readRunState } from '../../../scripts/embedded/run-state.ts'
import { endProcess } from '../../../scripts/embedded/stop-child.ts'
import { closeAfterTests } from '../support/database.ts'

/** ROOT is the checkout. */
export const ROOT = resolve(import.meta.dirname, '..', '..', '..')

/** Finished is how a command ended and all it wrote, both streams in one. */
export type Finished = { code: number | null; signal: NodeJS.Signals | null; output: string }

/**
 * ParleyProcess is one `node scripts/start.ts`. `said` resolves when it has written that text; `said` and `ready` reject when
 * it ends instead. `finished` never rejects.
 */
export type ParleyProcess = {
  pid: number
  url: string
  dataDir: string
  ready: Promise<void>
  said(text: string): Promise<void>
  finished: Promise<Finished>
  /** The launcher, Postgres and PostgREST, as `run.json` names them while they run. */
  processes(): ProcessIdentity[]
  stop(signal?: NodeJS.Signals): Promise<Finished>
}

/** createDataDir returns the path of a data folder that does not exist yet; it is removed after the tests of the file. */
export function createDataDir(): string {
  const parent = mkdtempSync(join(tmpdir(), 'parley-start-'))
  // Root's Postgres runs as another user, who must be able to pass.
  chmodSync(parent, 0o711)
  closeAfterTests(() => Promise.resolve(rmSync(parent, { recursive: true, force: true, maxRetries: 5 })))
  return join(parent, 'data')
}

/** startParley starts the server on a free port; it is ended after the tests of the file if it still runs. */
export async function startParley(dataDir: string, environment: Record<string, string> = {}): Promise<ParleyProcess> {
  const port = environment.PORT ?? String(await freePort())
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'start.ts')], {
    // In a group of its own, as a shell does it, so that a test can signal the whole group.
    detached: true,
    env: cleanEnvironment({ DATA_DIR: dataDir, PORT: port, ...environment }),
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const finished = collect(child)
  const said = (text: string): Promise<void> => {
    const written = new Promise<void>((done) => {
      const look = () => {
        if (output.includes(text)) done()
      }
      child.stdout.on('data', look)
      look()
    })
    const ended = finished.then((end) => {
      throw new Error(`The start ended (${end.signal ?? end.code}):\n${end.output}`)
    })
    const either = Promise.race([written, ended])
    // A test that expects the start to fail waits for its end instead.
    either.catch(() => undefined)
    return either
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return finished
  }
  const ready = said('Parley is ready')
  let started: ProcessIdentity[] = []
  void ready.then(() => (started = identities(dataDir))).catch(() => undefined)
  closeAfterTests(async () => {
    await stop('SIGKILL')
    if (started.length > 0) await endLeft([...started, ...leftOn(dataDir)])
  })
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    dataDir,
    ready,
    said,
    finished,
    processes: () => identities(dataDir),
    stop
  }
}

/** runCommand runs a script of the checkout to its end. */
export function runCommand(script: string, args: string[], environment: Record<string, string>): Promise<Finished> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', script), ...args], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe']
  })
  return collect(child)
}

async function collect(child: ChildProcess): Promise<Finished> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  return { code: child.exitCode, signal: child.signalCode, output }
}

// What a failed test has left must not outlive it, nor write into its folder while that is being removed.
async function endLeft(processes: ProcessIdentity[]): Promise<void> {
  for (const left of processes) await endProcess(left, ['SIGQUIT', 'SIGKILL'], 2_000)
}

function leftOn(dataDir: string): ProcessIdentity[] {
  const state = readLeftState(dataPaths(dataDir))
  return state === null ? [] : [state.postgres.process, ...(state.postgrest === null ? [] : [state.postgrest.process])]
}

function identities(dataDir: string): ProcessIdentity[] {
  const state = readRunState(dataPaths(dataDir))
  if (state === null) throw new Error(`Nothing runs on ${dataDir}.`)
  return [state.launcher, state.postgres.process, ...(state.postgrest === null ? [] : [state.postgrest.process])]
}

// A developer's own .env must not reach the tests: what is set, even to nothing, wins over it.
function cleanEnvironment(environment: Record<string, string>): Record<string, string> {
  const example = readFileSync(join(ROOT, '.env.example'), 'utf8')
  const names = [...example.matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] ?? '')
  return { PATH: process.env.PATH ?? '', ...Object.fromEntries(names.map((name) => [name, ''])), ...environment }
}
