import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { createFolder } from '../support/folder.ts'
import { ROOT } from './parley-process.ts'

// Stands in for npm: notes that it ran, and leaves what npm leaves.
const NPM = `
  import { appendFileSync, mkdirSync, symlinkSync, rmSync, writeFileSync } from 'node:fs'
  appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
  if (process.env.FAIL) process.exit(7)
  rmSync('node_modules', { recursive: true, force: true })
  mkdirSync('node_modules/.bin', { recursive: true })
  symlinkSync(process.execPath, 'node_modules/.bin/node')
  writeFileSync('node_modules/.package-lock.json', '{}')
`

function createCheckout(): string {
  const folder = createFolder({ 'package-lock.json': '{"version":1}', 'npm.mjs': NPM, 'scripts/placeholder': '' })
  copyFileSync(join(ROOT, 'scripts', 'install.mjs'), join(folder, 'scripts', 'install.mjs'))
  return folder
}

async function install(folder: string, environment: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(folder, 'scripts', 'install.mjs')], {
    env: { PATH: process.env.PATH, npm_execpath: join(folder, 'npm.mjs'), npm_node_execpath: process.execPath, ...environment },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  return { code: child.exitCode, output }
}

const calls = (folder: string) => (existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n') : [])

test('what is missing is installed once, and again only when package-lock.json changes', async () => {
  const folder = createCheckout()
  expect((await install(folder)).output).toContain('about a minute, the first time only')
  expect(await install(folder)).toEqual({ code: 0, output: '' })
  expect(calls(folder)).toEqual([expect.stringMatching(/^install --no-save .*--no-audit --no-fund --loglevel=error$/)])

  writeFileSync(join(folder, 'package-lock.json'), '{"version":2}')
  expect((await install(folder)).output).toContain('package-lock.json has changed')
  expect(calls(folder)).toHaveLength(2)
})

test('several at the same time install once', async () => {
  const folder = createCheckout()
  const ends = await Promise.all([install(folder), install(folder), install(folder)])
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(calls(folder)).toHaveLength(1)
  expect(existsSync(join(folder, '.install-lock'))).toBe(false)
})

test('an installation by hand counts, unless package-lock.json is newer', async () => {
  const folder = createCheckout()
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
  writeFileSync(join(folder, 'node_modules', '.bin', 'node'), '')
  writeFileSync(join(folder, 'node_modules', '.package-lock.json'), '{}')
  expect(await install(folder)).toEqual({ code: 0, output: '' })
  utimesSync(join(folder, 'node_modules', '.package-lock.json'), new Date(0), new Date(0))
  expect((await install(folder)).code).toBe(0)
  expect(calls(folder)).toHaveLength(1)
})

test('a failing npm is one sentence and a failure, and the next run tries again', async () => {
  const folder = createCheckout()
  const failed = await install(folder, { FAIL: '1' })
  expect(failed.code).toBe(1)
  expect(failed.output).toContain("`npm install` failed (exit code 7): see npm's message above.")
  expect((await install(folder)).code).toBe(0)
})

test('an installer that was killed does not block the next one', async () => {
  const folder = createCheckout()
  mkdirSync(join(folder, '.install-lock'))
  writeFileSync(join(folder, '.install-lock', 'pid'), String(2 ** 22 + 1))
  expect((await install(folder)).code).toBe(0)
  expect(calls(folder)).toHaveLength(1)
})
