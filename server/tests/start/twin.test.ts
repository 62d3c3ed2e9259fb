import { createServer } from 'node:http'
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { dataPaths } from '../../../scripts/embedded/data-folder.ts'
import { readRunState } from '../../../scripts/embedded/run-state.ts'
import { closeAfterTests } from '../support/database.ts'
import { createDataDir, runCommand, startParley, type Finished, type ParleyProcess } from './parley-process.ts'

const twinOf = (dataDir: string) => readRunState(dataPaths(dataDir))?.twin ?? null
const isOpen = (url: string): Promise<boolean> => fetch(url).then(() => true, () => false)

describe('npm start without keys of a processor', () => {
  let server: ParleyProcess
  beforeAll(async () => {
    server = await startParley(createDataDir())
    await server.ready
  })
  const twin = (...args: string[]): Promise<Finished> => runCommand('twin.ts', args, { DATA_DIR: server.dataDir })

  test('plays all three, says so, and npm run twin finds it', async () => {
    const urls = twinOf(server.dataDir)
    expect(new Set(Object.values(urls ?? {})).size).toBe(4)
    await server.said(`Payments: the offline twin plays Stripe, Paddle and Razorpay (pages at ${urls?.stripe}`)
    const state = await twin('state')
    expect(state).toMatchObject({ code: 0, output: expect.stringMatching(/^20\d\d-.*Z; next: nothing\nno subscriptions\nwebhooks of stripe: pending 0/) })
    expect(await twin('stripe', 'refund', 'sub_nobody')).toMatchObject({ code: 1, output: expect.stringMatching(/^.*sub_nobody.*\n$/) })
    expect(await twin('faults', '--loss', '2')).toMatchObject({ code: 1, output: expect.stringContaining('0 to 1') })
    expect(await twin('paddle', 'faults', '--ack-loss', '0.5')).toMatchObject({ code: 0, output: expect.stringContaining('"ackLossRate":0.5') })
    expect(await twin('--help')).toMatchObject({ code: 0, output: expect.stringContaining('npm run twin -- stripe decline') })
  })

  test('sells the catalog of the database under the sandbox price ids', async () => {
    const headers = { Authorization: 'Bearer sk_test_offline_twin' }
    const price = await fetch(`${twinOf(server.dataDir)?.stripe}/v1/prices/price_growth_yearly`, { headers })
    expect([price.status, await price.json()]).toEqual([200, expect.objectContaining({ unit_amount: 80_580, currency: 'usd' })])
    const paddle = await fetch(`${twinOf(server.dataDir)?.paddle}/prices/pri_growth_monthly_trial`, {
      headers: { Authorization: 'Bearer pdl_sdbx_apikey_offline_twin' }
    })
    expect([paddle.status, await paddle.json()]).toEqual([200, { data: expect.objectContaining({ trial_period: { interval: 'day', frequency: 14 } }), meta: expect.anything() }])
  })

  test('after kill -9 the next start has the same twin at the same addresses, and a stop ends it', async () => {
    const before = twinOf(server.dataDir)
    const customer = await fetch(`${before?.stripe}/v1/customers`, {
      method: 'POST',
      headers: { Authorization: 'Bearer sk_test_offline_twin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'email=kept@example.com'
    })
    expect(customer.status).toBe(200)
    const file = dataPaths(server.dataDir).twin
    const deadline = Date.now() + 5_000
    while (!readFileSync(file, { encoding: 'utf8', flag: 'a+' }).includes('kept@example.com') && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
    await server.stop('SIGKILL')
    expect(await isOpen(`${before?.control}/state`)).toBe(false)

    const next = await startParley(server.dataDir)
    await next.ready
    expect(twinOf(next.dataDir)).toEqual(before)
    expect(readFileSync(file, 'utf8')).toContain('kept@example.com')
    expect((await next.stop()).code).toBe(0)
    expect(await isOpen(`${before?.control}/state`)).toBe(false)
    expect((await runCommand('twin.ts', ['state'], { DATA_DIR: next.dataDir })).output).toMatch(/^No offline twin runs on .*npm start.*\n$/)
  })
})

test('with a key of any processor there is no twin, and no clock to move', async () => {
  const server = await startParley(createDataDir(), { STRIPE_SECRET_KEY: 'sk_test_of_a_real_account' })
  await server.ready
  expect(twinOf(server.dataDir)).toBeNull()
  const clock = await runCommand('clock.ts', ['+1', 'month'], { DATA_DIR: server.dataDir })
  expect(clock).toMatchObject({ code: 1, output: expect.stringMatching(/^The server at .* has no clock that can be moved: .*\n$/) })
  const { output } = await server.stop()
  expect(output).not.toContain('offline twin')
})

describe('npm run clock', () => {
  const serve = async (status: number, answer: unknown): Promise<{ url: string; asked: unknown[] }> => {
    const asked: unknown[] = []
    const server = createServer((req, res) => {
      let body = ''
      req.setEncoding('utf8').on('data', (text: string) => (body += text))
      req.on('end', () => {
        asked.push([req.method, req.url, body === '' ? null : JSON.parse(body)])
        res.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(JSON.stringify(answer))
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closeAfterTests(async () => void server.close())
    const address = server.address()
    return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, asked }
  }
  const clock = (...args: string[]): Promise<Finished> => runCommand('clock.ts', args, {})

  test('asks the server for the move and tells the times and what happened', async () => {
    const { url, asked } = await serve(200, { before: '2026-01-31T10:00:00.000Z', now: '2026-02-28T10:00:00.000Z', deliveries: 3 })
    const expected = { code: 0, output: '2026-01-31T10:00:00.000Z -> 2026-02-28T10:00:00.000Z\n  deliveries: 3\n' }
    for (const words of [['+1', 'month'], ['+14 days'], ['+2weeks'], ['2027-01-31T00:00:00Z']]) {
      expect(await clock('--url', url, ...words)).toMatchObject(expected)
    }
    expect(asked).toEqual(
      [{ advance: '1 month' }, { advance: '14 days' }, { advance: '2 weeks' }, { to: '2027-01-31T00:00:00.000Z' }].map((move) => ['POST', '/sandbox/clock', move])
    )
  })

  test('without a move shows the time', async () => {
    const { url, asked } = await serve(200, { now: '2026-01-31T10:00:00.000Z' })
    expect(await clock('--url', url)).toMatchObject({ code: 0, output: '2026-01-31T10:00:00.000Z\n' })
    expect(asked).toEqual([['GET', '/sandbox/clock', null]])
  })

  test('says in a sentence what was refused, what is no server, and what is no move', async () => {
    const { url } = await serve(400, { title: 'Bad Request', detail: 'The clock does not go back.' })
    expect(await clock('--url', url, '2020-01-01')).toMatchObject({ code: 1, output: 'The clock was not moved: The clock does not go back.\n' })
    const other = await serve(200, { hello: 'world' })
    expect(await clock('--url', other.url)).toMatchObject({ code: 1, output: expect.stringContaining('is no Parley') })
    expect(await clock('--url', 'http://127.0.0.1:1', '+1', 'day')).toMatchObject({ code: 1, output: expect.stringMatching(/^No server answers at .*npm start.*\n$/) })
    expect(await clock('+1', 'fortnight')).toMatchObject({ code: 1, output: expect.stringContaining('"+1 fortnight" is no move') })
  })
})
