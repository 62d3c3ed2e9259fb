import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, beforeAll, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { freePort } from '../../../scripts/embedded/free-port.ts'
import { type Environment, readConfig } from '../../src/config.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { testEnvironment } from '../http/test-app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const REAL_KEY = { STRIPE_SECRET_KEY: 'sk_test_of_the_real_stripe' }
const TWIN = { STRIPE_SECRET_KEY: 'sk_test_twin', STRIPE_API_URL: 'http://127.0.0.1:1', SANDBOX_URL: 'http://127.0.0.1:1' }

let moved: TestDatabase
let untouched: TestDatabase
beforeAll(async () => {
  ;[moved, untouched] = await Promise.all([createTestDatabase(), createTestDatabase()])
  const client = await moved.connect()
  await client.query(`select api.move_clock(app.clock() + interval '1 hour')`)
})

const running: RunningServer[] = []
const closing: (() => void)[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
  for (const close of closing.splice(0)) close()
})

async function start(databaseUrl: string, change: Environment): Promise<RunningServer> {
  const config = readConfig(testEnvironment({ DATABASE_URL: databaseUrl, PORT: '0', ...change }))
  const server = await startServer(config, pino({ level: 'silent' }), { jobs: 'on demand' })
  running.push(server)
  return server
}

test.each([
  ['Stripe', REAL_KEY],
  ['Paddle', { PADDLE_API_KEY: 'a1b2c3' }],
  ['Razorpay', { RAZORPAY_KEY_ID: 'rzp_test_1', RAZORPAY_KEY_SECRET: 'secret' }]
])('a database whose clock was moved is not served with a key of %s', async (_name, key) => {
  await expect(start(moved.serverUrl, key)).rejects.toThrow(/clock of this database was moved.*use a new DATA_DIR or another database/)
})

test.each([
  ['beside the twin', TWIN],
  ['without keys', {}]
])('a database whose clock was moved is served %s', async (_what, change) => {
  const server = await start(moved.serverUrl, change)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

test('a database whose clock never moved is served with real keys', async () => {
  const server = await start(untouched.serverUrl, REAL_KEY)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

test('a server that began without its database asks no processor once it finds that the clock was moved', async () => {
  const port = await freePort()
  const there = new URL(moved.serverUrl)
  const server = await start(Object.assign(new URL(there), { hostname: '127.0.0.1', port: String(port) }).href, REAL_KEY)
  const proxy = createServer((client) => {
    const database = connect(Number(there.port), there.hostname)
    for (const socket of [client, database]) socket.on('error', () => undefined)
    client.pipe(database).pipe(client)
  })
  proxy.listen(port, '127.0.0.1')
  await once(proxy, 'listening')
  closing.push(() => proxy.close())
  await expect(server.parts.runJobsOnce()).rejects.toThrow(/clock of this database was moved/)
})
