import { beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { composeScenario } from '../../../scripts/webhook/compose.ts'
import { buildEvent, signatureHeader } from '../../../scripts/webhook/delivery.ts'
import type { Scenario } from '../../../scripts/webhook/scenario.ts'
import { dataPaths } from '../../../scripts/embedded/data-folder.ts'
import { readSecrets } from '../../../scripts/embedded/secrets.ts'
import { closeAfterTests, createTestDatabase } from '../support/database.ts'
import { createDataDir, runCommand, startParley, type Finished, type ParleyProcess } from './parley-process.ts'

let server: ParleyProcess
let owner: Client
beforeAll(async () => {
  server = await startParley(createDataDir())
  await server.ready
  const { output } = await runCommand('db-url.ts', [], { DATA_DIR: server.dataDir })
  owner = new Client({ connectionString: output.trim() })
  await owner.connect()
  closeAfterTests(() => owner.end())
})

const replay = (args: string[], environment: Record<string, string> = {}): Promise<Finished> =>
  runCommand('webhooks-replay.ts', args, { DATA_DIR: server.dataDir, ...environment })

const compose = (account: string, change: { price?: string } = {}): Scenario =>
  composeScenario({ processor: 'stripe', event: 'created', account, plan: 'growth', shape: 'current', ...change }, null, new Date()).scenario

/** deliver sends the event signed; with an empty `accountId` it names nobody, as that of a customer made elsewhere does. */
async function deliver(scenario: Scenario): Promise<unknown> {
  const body = JSON.stringify(buildEvent('stripe', scenario))
  const secret = readSecrets(dataPaths(server.dataDir))?.stripeWebhookSecret ?? ''
  const headers = { 'Content-Type': 'application/json', ...signatureHeader('stripe', body, secret, new Date()) }
  return (await fetch(`${server.url}/webhooks/stripe`, { method: 'POST', headers, body })).json()
}

const inboxRow = async (id: string): Promise<unknown> =>
  (await owner.query('select status, last_error from webhook_events where id = $1', [id])).rows[0]

/** giveUp makes a delivery dead, so that nothing but a replay brings it back. */
const giveUp = (id: string) => owner.query(`update webhook_events set status = 'dead', next_attempt_at = null where id = $1`, [id])

const planOf = async (account: string): Promise<unknown> =>
  (await owner.query('select plan from accounts where account_id = $1', [account])).rows[0]?.plan

test('an event of an unknown customer is kept as failed, and applied by a replay once the link is there', async () => {
  const scenario = { ...compose('late_customer'), accountId: '' }
  expect(await deliver(scenario)).toMatchObject({ outcome: 'failed' })
  expect(await inboxRow(scenario.eventId)).toEqual({ status: 'failed', last_error: expect.stringMatching(/^PY413 /) })

  const tooEarly = await replay([scenario.eventId])
  expect(tooEarly).toMatchObject({ code: 1, output: expect.stringMatching(/^evt_\w+ \(stripe\): failed, PY413 .*\n$/) })

  await giveUp(scenario.eventId)
  await owner.query(`select from read_account('late_customer')`)
  await owner.query(`insert into processor_links (processor, object_id, account_id, event_id) values ('stripe', $1, 'late_customer', 'by hand')`, [
    scenario.customerId
  ])
  expect(await replay([scenario.eventId])).toMatchObject({ code: 0, output: `${scenario.eventId} (stripe): processed\n` })
  expect(await planOf('late_customer')).toBe('growth')

  expect(await replay([scenario.eventId])).toMatchObject({
    code: 0,
    output: `${scenario.eventId} (stripe): was processed before, nothing to replay.\n`
  })
})

test('an event of an unknown price is applied by a replay once the price is registered; several ids at once, each told', async () => {
  const scenario = compose('late_price', { price: 'price_not_registered' })
  expect(await deliver(scenario)).toMatchObject({ outcome: 'failed' })
  await giveUp(scenario.eventId)
  // Not by upsert_price, which would wake it by itself.
  await owner.query(`insert into processor_prices (processor, price_id, plan, billing_interval) values ('stripe', 'price_not_registered', 'growth', 'month')`)
  const { code, output } = await replay([scenario.eventId, 'evt_unknown', scenario.eventId, '--processor', 'stripe'])
  expect(code).toBe(1)
  expect(output).toBe(`evt_unknown: no such delivery of stripe is stored.\n${scenario.eventId} (stripe): processed\n`)
  expect(await planOf('late_price')).toBe('growth')
})

test('an id that two processors have used needs --processor; without a server it stays due for the next one', async () => {
  const database = await createTestDatabase()
  const client = await database.connect()
  for (const processor of ['stripe', 'paddle']) {
    await client.query(
      `insert into webhook_events (processor, id, event_type, status, occurred_at, payload, payload_sha256)
       values ($1, 'evt_both', 'x', 'dead', now(), '{}', '')`,
      [processor]
    )
  }
  const here = { DATABASE_URL: database.url }
  expect(await replay(['evt_both'], here)).toMatchObject({ code: 1, output: 'evt_both: came from stripe and paddle, say which with --processor.\n' })
  expect(await replay(['evt_both', '--processor', 'paddle', '--wait-seconds', '0'], here)).toMatchObject({
    code: 1,
    output: 'evt_both (paddle): is due, but no running server took it; the worker of the next one to start will.\n'
  })
  const { rows } = await client.query('select processor, status from webhook_events order by 1')
  expect(rows).toEqual([{ processor: 'paddle', status: 'failed' }, { processor: 'stripe', status: 'dead' }])
})

test('no database, an unusable one, and a wrong word are one sentence each', async () => {
  expect(await replay(['evt_1'], { DATA_DIR: createDataDir() })).toMatchObject({ code: 1, output: expect.stringMatching(/^No embedded database runs on .*\n$/) })
  expect(await replay(['evt_1'], { DATA_DIR: createDataDir(), SUPABASE_URL: 'https://x.supabase.co' })).toMatchObject({
    code: 1,
    output: expect.stringMatching(/^SUPABASE_URL names a project.*DATABASE_URL.*\n$/)
  })
  const refused = await replay(['evt_1'], { DATABASE_URL: 'postgresql://parley:hidden@127.0.0.1:9/parley' })
  expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/^The database cannot be used: .*ECONNREFUSED.*\n$/) })
  expect(refused.output).not.toContain('hidden')
  expect(await replay([])).toMatchObject({ code: 1, output: expect.stringContaining("missing required argument 'ids'") })
})
