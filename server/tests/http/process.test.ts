import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { bearer, ORIGIN, SECRETS, testEnvironment } from './test-app.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})

const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

type Run = { child: ChildProcess; output: () => string; ended: Promise<number | null>; until: (text: RegExp) => Promise<string> }

function run(environment: Record<string, string | undefined>): Run {
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, 'close').then(() => child.exitCode)
  const until = (text: RegExp): Promise<string> =>
    new Promise((found, failed) => {
      const look = (): void => {
        const match = text.exec(output)
        if (match) found(match[1] ?? match[0])
      }
      listeners.add(look)
      look()
      void ended.then(() => failed(new Error(`ended before ${text}:\n${output}`)))
    })
  return { child, output: () => output, ended, until }
}

const serve = (change: Record<string, string> = {}): Run =>
  run({ ...testEnvironment({ DATABASE_URL: database.serverUrl, PORT: '0', CLERK_AUTHORIZED_PARTIES: ORIGIN, ...change }) })

describe('the process', () => {
  test('tells all faults of its environment at once, without a secret, and ends with 1', async () => {
    const { ended, output } = run({ PORT: 'x', CLERK_SECRET_KEY: 'topsecret', DATABASE_URL: 'nonsense' })
    expect(await ended).toBe(1)
    for (const name of ['PORT', 'CLERK_SECRET_KEY', 'CLERK_PUBLISHABLE_KEY', 'DATABASE_URL']) expect(output()).toContain(name)
    expect(output()).not.toContain('topsecret')
    expect(output()).not.toContain('    at ')
  })

  test('tells in a sentence that its port is taken, and ends with 1', async () => {
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? String(address.port) : ''
    const { ended, output } = serve({ PORT: port })
    expect(await ended).toBe(1)
    expect(output()).toMatch(new RegExp(`^Port ${port} on 127.0.0.1 is taken by another program: .*\\.\\n$`, 'm'))
    other.close()
  })

  test('tells in a sentence that the database refuses its login, and ends with 1', async () => {
    const url = Object.assign(new URL(database.serverUrl), { password: 'wrong' }).href
    const { ended, output } = serve({ DATABASE_URL: url, LOG_LEVEL: 'silent' })
    expect(await ended).toBe(1)
    expect(output()).toMatch(/^The database refuses this server: .*authenticator/)
  })

  test('serves, but is not ready, while its database is away', async () => {
    const { until } = serve({ DATABASE_URL: 'postgresql://u:p@127.0.0.1:1/d' })
    const url = await until(/Parley is ready at (\S+)/)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
  })

  test('says where it is ready and which parts are stand-ins, and writes no secret', async () => {
    const { until, output, child, ended } = serve()
    const url = await until(/Parley is ready at (\S+)/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    await until(/Sign-in: a local key/)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    for (const secret of [...Object.values(SECRETS), new URL(database.serverUrl).password]) expect(output()).not.toContain(secret)
    expect(output()).not.toMatch(/telemetry/i)
  })

  test('asked to end, lets a running request finish, takes no new ones, and ends with 0', async () => {
    // So long that a connection left open would be noticed.
    const { child, until, ended } = serve({ DRAIN_TIMEOUT_SECONDS: '600' })
    const url = await until(/Parley is ready at (\S+)/)
    const owner = await database.connect()
    await owner.query('begin; lock table app.chatbots in access exclusive mode')
    const creating = fetch(`${url}/api/chatbots`, {
      method: 'POST',
      headers: { ...(await bearer('user_drain')), 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'slow' })
    })
    await untilSomebodyWaits(database)

    child.kill('SIGTERM')
    await untilRefused(url)
    await owner.query('commit')
    const answer = await creating
    expect(answer.status).toBe(201)
    expect(await ended).toBe(0)
  })

  test('asked to end twice, ends at once with 1', async () => {
    const { child, until, ended } = serve()
    const url = await until(/Parley is ready at (\S+)/)
    const owner = await database.connect()
    await owner.query('begin; lock table app.chatbots in access exclusive mode')
    const cut = fetch(`${url}/api/chatbots`, {
      method: 'POST',
      headers: { ...(await bearer('user_cut')), 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'slow' })
    }).catch((error: unknown) => error)
    await untilSomebodyWaits(database)
    child.kill('SIGTERM')
    await untilRefused(url)
    child.kill('SIGINT')
    expect(await ended).toBe(1)
    expect(String(await cut)).toContain('fetch failed')
    await owner.query('rollback')
  })
})

/** untilSomebodyWaits polls until a session of the database waits for a lock. */
async function untilSomebodyWaits({ connect }: TestDatabase): Promise<void> {
  const client = await connect()
  for (let waiting = 0; waiting === 0; ) {
    const { rows } = await client.query<{ waiting: number }>(
      `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    )
    waiting = rows[0]?.waiting ?? 0
  }
  await client.end()
}

/** untilRefused polls until the server takes no new connection. */
async function untilRefused(url: string): Promise<void> {
  for (let refused = false; !refused; ) {
    // A connection of its own each time: a kept-alive one would still be answered.
    refused = await fetch(`${url}/livez`, { headers: { Connection: 'close' } }).then(
      () => false,
      () => true
    )
  }
}
