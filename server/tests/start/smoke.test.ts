import { beforeAll, describe, expect, test } from '@jest/globals'
import { createServer, type RequestListener } from 'node:http'
import { Client } from 'pg'
import { createApi } from '../../../scripts/smoke/api.ts'
import { freePort } from '../../../scripts/embedded/free-port.ts'
import { closeAfterTests } from '../support/database.ts'
import { createDataDir, runCommand, startParley, type Finished, type ParleyProcess } from './parley-process.ts'

let server: ParleyProcess
beforeAll(async () => {
  server = await startParley(createDataDir())
  await server.ready
})

const smoke = (args: string[] = [], environment: Record<string, string> = {}): Promise<Finished> =>
  runCommand('smoke.ts', args, { DATA_DIR: server.dataDir, ...environment })
const ticks = (output: string): string[] => output.split('\n').filter((line) => line.startsWith('✓'))
const token = async (user: string) => (await runCommand('token.ts', [user], { DATA_DIR: server.dataDir })).output.trim()

const chatbotCount = async (): Promise<unknown> => {
  const { output } = await runCommand('db-url.ts', [], { DATA_DIR: server.dataDir })
  const client = new Client({ connectionString: output.trim() })
  await client.connect()
  try {
    return (await client.query<{ count: number }>('select count(*)::int from chatbots')).rows[0]?.count
  } finally {
    await client.end()
  }
}

describe('npm run smoke', () => {
  test('tells the whole story with ticks and what was measured, exits 0 and leaves no chatbot', async () => {
    const { code, output } = await smoke()
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('All of it is so') })
    expect(ticks(output).map((line) => line.replace(/ +/g, ' '))).toEqual([
      expect.stringMatching(/^✓ sign in smoke_\w+ on free, chatbots 0 of 1; without a token 401$/),
      '✓ create chatbots to the limit 1 on free; the next is 402 quota_exceeded',
      expect.stringMatching(/^✓ give it a document handbook\.md/),
      expect.stringMatching(/^✓ ask, and see the source .* cites handbook\.md$/),
      expect.stringMatching(/^✓ chat to the limit 99 in .*; the next is 402: 100 of 100 messages are used$/),
      '✓ upgrade by signed webhook growth active: messages 0 of 10,000, chatbots 1 of 10',
      '✓ create more chatbots chatbots 5 of 10',
      '✓ no downgrade to starter yet 400 "Please delete 2 chatbot(s) before downgrading"',
      '✓ delete 2, it fits now chatbots 3 of 10, fits starter: true',
      '✓ chat on messages 1 of 10,000',
      '✓ renewal by signed webhook messages 0 of 10,000, chatbots 3 of 10 (messages were 1)',
      expect.stringMatching(/^✓ the same webhook again 200 duplicate \(evt_\w+\), nothing changed$/),
      '✓ clean up deleted 3 chatbots, chatbots 0 of 10'
    ])
    expect(output).toMatch(/Chatbots +3 +10 +7 +a level/)
    expect(await chatbotCount()).toBe(0)
  })

  test('stops at the first thing that is not as promised, says what came, exits 1 and cleans up', async () => {
    const { code, output } = await smoke([server.url], { STRIPE_WEBHOOK_SECRET: 'whsec_of_another_server' })
    expect(code).toBe(1)
    expect(ticks(output)).toHaveLength(5)
    expect(output).toMatch(/✗ upgrade by signed webhook\n {4}expected: a webhook secret .*\n {4}came: {5}401 webhook_not_verified: .*\n/)
    expect(output).not.toContain('whsec_')
    expect(await chatbotCount()).toBe(0)
  })

  test('takes a given token, keeps the chatbots when asked to, and needs an account that is fresh', async () => {
    const kept = await smoke(['--token', await token('carol'), '--keep'])
    expect(kept).toMatchObject({ code: 0, output: expect.stringContaining('carol on free') })
    expect(await chatbotCount()).toBe(3)
    const again = await smoke(['--token', await token('carol')])
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining('expected: a fresh account, whose plan is free\n    came:     growth') })
    const refused = await smoke(['--token', 'no-token'])
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('with Clerk, give one with --token') })
  })

  test('says in one sentence that no server is there, no secret known, no key to sign in with', async () => {
    const nothing = await smoke([`http://127.0.0.1:${await freePort()}`])
    expect(nothing).toMatchObject({ code: 1, output: expect.stringMatching(/^No server answers at http:.*ECONNREFUSED.*npm start.*\n$/) })
    const elsewhere = { DATA_DIR: createDataDir() }
    expect(await smoke([server.url], elsewhere)).toMatchObject({ code: 1, output: expect.stringMatching(/^There is no secret to sign with: .*\n$/) })
    const keyless = await smoke([server.url], { ...elsewhere, STRIPE_WEBHOOK_SECRET: 'whsec_given' })
    expect(keyless).toMatchObject({ code: 1, output: expect.stringMatching(/holds no local key to sign in with.*--token.*\n$/) })
    const clerk = await smoke([server.url], { CLERK_SECRET_KEY: 'sk_test_of_a_real_instance' })
    expect(clerk).toMatchObject({ code: 1, output: expect.stringMatching(/^CLERK_SECRET_KEY is set.*--token.*\n$/) })
    expect(await smoke(['localhost:3000'])).toMatchObject({ code: 1, output: expect.stringContaining('Write it like http://localhost:3000.') })
    expect(await smoke(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--keep') })
  })
})

describe('told to slow down', () => {
  const serve = async (handler: RequestListener): Promise<string> => {
    const port = await freePort()
    const http = createServer(handler)
    await new Promise<void>((listening) => http.listen(port, '127.0.0.1', listening))
    closeAfterTests(() => new Promise((closed) => http.close(() => closed())))
    return `http://127.0.0.1:${port}`
  }

  test.each([
    ['goes on afterwards', 2, 200],
    ['gives up in the end', Infinity, 429]
  ])('it waits as Retry-After says and %s', async (_what, refusals, status) => {
    let asked = 0
    const url = await serve((_request, response) => {
      asked += 1
      response.writeHead(asked <= refusals ? 429 : 200, { 'Retry-After': '0', Connection: 'close' }).end('{}')
    })
    const waits: number[] = []
    const api = createApi({ url, token: null, onWait: (seconds) => waits.push(seconds) })
    expect((await api('GET', '/')).status).toBe(status)
    expect(waits).toEqual(Array.from({ length: Math.min(refusals, 3) }, () => 0))
  })
})
