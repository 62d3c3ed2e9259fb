import { expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../../../scripts/embedded/process-identity.ts'
import { createDataDir, runCommand, startParley, type ParleyProcess } from './parley-process.ts'

const dataDir = createDataDir()

async function api(server: ParleyProcess, path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
  const token = await runCommand('token.ts', ['alice'], { DATA_DIR: server.dataDir })
  const headers = { Authorization: `Bearer ${token.output.trim()}`, 'Content-Type': 'application/json' }
  const answer = await fetch(`${server.url}${path}`, { ...init, headers })
  return { status: answer.status, body: await answer.json() }
}

const botNames = async (server: ParleyProcess) => (await api(server, '/api/chatbots')).body

test('a first start serves, and a stop exits 0 and leaves no process, no lock and no run file', async () => {
  const server = await startParley(dataDir)
  await server.ready
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  const created = await api(server, '/api/chatbots', { method: 'POST', body: JSON.stringify({ name: 'Kept' }) })
  expect(created.status).toBe(201)

  const processes = server.processes()
  expect(processes.every(isAlive)).toBe(true)
  expect((await server.stop()).code).toBe(0)
  expect(processes.filter(isAlive)).toEqual([])
  expect(readdirSync(dataDir).toSorted()).toEqual(['postgres', 'postgres.log', 'postgrest.log', 'secrets.json', 'twin.json'].filter((name) => existsSync(join(dataDir, name))))
})

test('the secrets are readable by their owner alone', () => {
  expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600)
})

test('after kill -9 nothing blocks the next start, and the data is still there', async () => {
  const killed = await startParley(dataDir)
  await killed.ready
  const processes = killed.processes()
  expect((await killed.stop('SIGKILL')).signal).toBe('SIGKILL')

  const next = await startParley(dataDir)
  await next.ready
  expect(processes.filter(isAlive)).toEqual([])
  expect(await botNames(next)).toMatchObject({ data: [{ name: 'Kept' }] })
  expect((await next.stop()).code).toBe(0)
})

test('after kill -9 where the kernel does not end the children, the next start ends them and serves', async () => {
  // Without setpriv on its path the launcher cannot tie its children to itself.
  const withoutSetpriv = { PATH: '/nonexistent' }
  const killed = await startParley(dataDir, withoutSetpriv)
  await killed.ready
  const [, ...children] = killed.processes()
  await killed.stop('SIGKILL')
  expect(children.every(isAlive)).toBe(true)

  const next = await startParley(dataDir, withoutSetpriv)
  await next.ready
  expect(children.filter(isAlive)).toEqual([])
  expect(await botNames(next)).toMatchObject({ data: [{ name: 'Kept' }] })
  expect((await next.stop()).code).toBe(0)
})

test('a signal to the whole process group stops cleanly too: Postgres and PostgREST wait for the drain', async () => {
  const server = await startParley(dataDir)
  await server.ready
  const processes = server.processes()
  process.kill(-server.pid, 'SIGINT')
  const { code, output } = await server.finished
  expect(code).toBe(0)
  expect(output).not.toContain('ended by itself')
  expect(processes.filter(isAlive)).toEqual([])
  expect(readFileSync(join(dataDir, 'postgres.log'), 'utf8')).toMatch(/database system is shut down\n$/)
})

test('a stop while the start is still under way exits 0 and leaves nothing behind that blocks the next one', async () => {
  const newDataDir = createDataDir()
  const interrupted = await startParley(newDataDir)
  await interrupted.said('creating the database files')
  expect((await interrupted.stop('SIGINT')).code).toBe(0)
  expect(existsSync(join(newDataDir, 'lock')) || existsSync(join(newDataDir, 'run.json'))).toBe(false)
  expect(existsSync(join(newDataDir, 'postgres', 'postmaster.pid'))).toBe(false)

  const next = await startParley(newDataDir)
  await next.ready
  expect((await next.stop()).code).toBe(0)
})

test('Postgres and PostgREST are started again on the same ports when one of them dies', async () => {
  const server = await startParley(dataDir)
  await server.ready
  const [, ...children] = server.processes()
  for (const { pid } of children) process.kill(pid, 'SIGKILL')
  await server.said('Postgres ended by itself (SIGKILL); starting it again…')
  await readyAgain(server)
  expect(children.filter(isAlive)).toEqual([])
  expect(await botNames(server)).toMatchObject({ data: [{ name: 'Kept' }] })
  expect((await server.stop()).code).toBe(0)
})

async function readyAgain(server: ParleyProcess): Promise<void> {
  const deadline = Date.now() + 20_000
  while ((await fetch(`${server.url}/readyz`)).status !== 200) {
    if (Date.now() > deadline) throw new Error('The server did not become ready again.')
  }
}
