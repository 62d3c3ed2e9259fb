import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '../embedded/free-port.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const START_LIMIT_MS = 90_000

/**
 * ServerProcess is one real Parley server. `output` is all it wrote; `ended` resolves when it is gone; `kill` sends a signal
 * (SIGKILL by default) and waits for that, and is safe to repeat.
 */
export type ServerProcess = {
  url: string
  port: number
  pid: number
  ended: Promise<void>
  output(): string
  kill(signal?: NodeJS.Signals): Promise<void>
}

const MAIN = join(ROOT, 'server', 'src', 'main.ts')

/**
 * startServerProcess runs server/src/main.ts (or another `program`) with this environment (and no other) on a free port, or
 * on `PORT`, and resolves when it listens. Throws Error with what it wrote when it ends instead, or does not listen within 90 s.
 */
export async function startServerProcess(environment: Record<string, string>, program = MAIN): Promise<ServerProcess> {
  const port = environment['PORT'] === undefined ? await freePort() : Number(environment['PORT'])
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env: { PATH: process.env['PATH'] ?? '', ...unset(), ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = once(child, 'close').then(() => undefined)
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }
  const listening = new Promise<void>((done) => {
    child.stdout.on('data', () => {
      if (output.includes('Parley is ready at')) done()
    })
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS)
  const failed = ended.then(() => {
    throw new Error(`The server did not start:\n${output}`)
  })
  // It also ends one day when all went well.
  failed.catch(() => undefined)
  await Promise.race([listening, failed]).finally(() => clearTimeout(limit))
  return { url: `http://127.0.0.1:${port}`, port, pid: child.pid ?? 0, ended, output: () => output, kill }
}

// A developer's own .env must not reach it: what is set, even to nothing, wins over that file.
function unset(): Record<string, string> {
  const example = readFileSync(join(ROOT, '.env.example'), 'utf8')
  return Object.fromEntries([...example.matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map((match) => [match[1] ?? '', '']))
}
