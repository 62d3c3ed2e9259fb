import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../embedded/environment.ts'
import { StartError } from '../embedded/start-error.ts'

/** CLIENT_DIRECTORY is where the built web client is; `.stamp` in it tells from which files it was built. */
export const CLIENT_DIRECTORY = join(REPOSITORY, 'client', 'dist')

const INPUTS = ['client/*.{html,ts,json}', 'client/src/**/*', 'server/src/contract/*.ts', 'package-lock.json']
const STAMP = '.stamp'

/** clientIsBuilt tells whether the built client is that of the files as they are now. */
export function clientIsBuilt(): boolean {
  const file = join(CLIENT_DIRECTORY, STAMP)
  return existsSync(file) && readFileSync(file, 'utf8') === fingerprint()
}

/**
 * buildClient builds the web client beside the old one and then puts it in its place, so that whoever serves it never sees
 * half of one, and two builders at a time do no harm. Throws {@link StartError} with what the compiler said.
 */
export async function buildClient(): Promise<void> {
  const stamp = fingerprint()
  const folder = `${CLIENT_DIRECTORY}.${process.pid}`
  const vite = join(REPOSITORY, 'node_modules', 'vite', 'bin', 'vite.js')
  const config = join(REPOSITORY, 'client', 'vite.config.ts')
  const output = await run([vite, 'build', '--config', config, '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'])
  if (output !== null) {
    rmSync(folder, { recursive: true, force: true })
    throw new StartError(`The web client could not be built:\n${output}`)
  }
  writeFileSync(join(folder, STAMP), stamp)
  takePlace(folder)
}

/** buildClientWhenStale builds the client where its files have changed since; `say` hears of it. */
export async function buildClientWhenStale(say: (line: string) => void): Promise<void> {
  if (clientIsBuilt()) return
  say('Building the web client…')
  await buildClient()
}

function takePlace(folder: string): void {
  const old = `${folder}.old`
  for (;;) {
    try {
      if (existsSync(CLIENT_DIRECTORY)) renameSync(CLIENT_DIRECTORY, old)
      renameSync(folder, CLIENT_DIRECTORY)
      break
    } catch (error) {
      // Another builder was a moment faster, in either step.
      if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(String(error.code)))) throw error
      rmSync(old, { recursive: true, force: true })
    }
  }
  rmSync(old, { recursive: true, force: true })
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const pattern of INPUTS) {
    for (const file of globSync(pattern, { cwd: REPOSITORY, withFileTypes: true })) {
      if (!file.isFile()) continue
      const path = join(file.parentPath, file.name)
      hash.update(`${path.slice(REPOSITORY.length)}\0`).update(readFileSync(path)).update('\0')
    }
  }
  return hash.digest('hex')
}

function run(args: string[]): Promise<string | null> {
  return new Promise((resolve, reject) => {
    // Under another name, such as that of a test run, React's slow and large development build would be taken.
    const env = { ...process.env, NODE_ENV: 'production' }
    const child = spawn(process.execPath, args, { cwd: REPOSITORY, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? null : output))
  })
}
