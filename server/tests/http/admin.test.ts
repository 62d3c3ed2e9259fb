import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import request from 'supertest'
import {
  type AdminAccount,
  adminAccountDetailSchema,
  adminAccountSchema,
  doctorSchema,
  driftSchema,
  reconciliationRunSchema
} from '../../src/contract/admin.ts'
import { openApiDocument } from '../../src/contract/openapi.ts'
import { pageOf } from '../../src/contract/page.ts'
import { type Database, DatabaseUnavailable } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { encodeCursor } from '../../src/http/page.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { transports } from '../support/database.ts'
import { bearer, inOrganization, startTestApp, type TestApp, type TokenOptions } from './test-app.ts'

const RUN = '00000000-0000-4000-8000-000000000001'
const OPERATOR: TokenOptions = { claims: { metadata: { role: 'operator' } } }
const routes = Object.entries(openApiDocument().paths ?? {})
  .filter(([path]) => path.startsWith('/api/admin'))
  .flatMap(([path, item]) => Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })))

let server: TestApp
let owner: Client
const as = async (app: TestApp, path: string, token: TokenOptions = OPERATOR) => request(app.app).get(path).set(await bearer('user_op', token))

async function furnish(app: TestApp): Promise<Client> {
  const { db } = app.parts
  const client = await app.database.connect()
  const ids = { eventId: 'evt_1', accountId: 'user_a', customerId: 'cus_a', subscriptionId: 'sub_a' }
  const period = on('growth', '2026-11-20T09:00:00Z', '2026-12-20T09:00:00Z')
  await recordBillingEvent(db, billingEvent({ ...ids, occurredAt: '2026-11-20T09:00:00Z', status: 'active', ...period }))
  await createChatbot(db, { accountId: 'user_a', name: 'Helper' })
  await checkAndIncrementUsage(db, { accountId: 'user_a', metric: 'messages', amount: 5 })
  await checkAndIncrementUsage(db, { accountId: 'user_b', metric: 'messages', amount: 7 })
  await checkAndIncrementUsage(db, { accountId: 'org_c', metric: 'messages', amount: 1 })
  await client.query(
    `insert into app.webhook_events (processor, id, event_type, status, occurred_at, payload, payload_sha256)
     values ('stripe', 'evt_dead', 't', 'dead', now(), '{}', '')`
  )
  await client.query(
    `insert into app.reconciliation_runs (id, processor, since, dry_run, status, started_at)
     values ($1, 'stripe', now(), false, 'done', now()), (gen_random_uuid(), 'paddle', now(), true, 'running', now() + interval '1 hour')`,
    [RUN]
  )
  await client.query(
    `insert into app.reconciliation_drifts (run_id, event_id, field, processor, event_type, ours, theirs, corrected)
     select $1, e, f, 'stripe', 't', null, 'growth', true from unnest(array['evt_7', 'evt_8']) e, unnest(array['plan', 'status']) f`,
    [RUN]
  )
  return client
}

beforeAll(async () => {
  server = await startTestApp()
  owner = await furnish(server)
})

/** realPath is a path of the document with ids that are there. */
const realPath = (path: string): string =>
  path.replace('{accountId}', 'user_a').replace('{processor}', 'stripe').replace('{eventId}', 'evt_dead').replace('{runId}', RUN)

describe('nobody but operators passes:', () => {
  test('there are routes to try', () => expect(routes.length).toBeGreaterThanOrEqual(9))

  test.each(routes)('$method $path is 401 without a session, 403 with any other, and changes nothing', async ({ method, path }) => {
    const before = (await owner.query('select to_jsonb(e) from app.webhook_events e')).rows
    const ask = (headers: Record<string, string>) => {
      const { app } = server
      const asked = method === 'GET' ? request(app).get(realPath(path)) : request(app).post(realPath(path)).send({ reason: 'because' })
      return asked.set(headers)
    }
    expect((await ask({})).status).toBe(401)
    const others: TokenOptions[] = [
      {},
      inOrganization('org_c', 'operator'),
      ...['admin', ['operator'], 'Operator', true, null].map((role) => ({ claims: { metadata: { role } } })),
      { claims: { metadata: 'operator' } },
      { claims: { role: 'operator' } },
      { claims: { publicMetadata: { role: 'operator' } } }
    ]
    for (const token of others) {
      const answer = await ask(await bearer('user_a', token))
      expect([token, answer.status, answer.body.code]).toEqual([token, 403, 'forbidden'])
      expect(answer.body.detail).toContain('"metadata" with "role": "operator"')
    }
    expect((await owner.query('select to_jsonb(e) from app.webhook_events e')).rows).toEqual(before)
    expect((await owner.query('select from app.operator_actions')).rows).toEqual([])
  })

  test.each(['/API/Admin/accounts', '/api/admin/accounts/', '/api/admin', '/api/admin/nothing', '/api/%61dmin/accounts'])('%s is no way around', async (path) => {
    expect([403, 404]).toContain((await as(server, path, {})).status)
  })

  test('each request of an operator is in the log with their id', async () => {
    const from = server.log.length
    await as(server, '/api/admin/accounts?search=user_a')
    const line = server.log.slice(from).find((one) => one.includes('operator request'))
    expect(JSON.parse(line ?? 'null')).toMatchObject({ level: 30, operatorId: 'user_op', method: 'GET', path: '/api/admin/accounts' })
  })
})

describe.each(transports)('over %s', (transport) => {
  let here: TestApp
  const page = async (query: string): Promise<{ data: AdminAccount[]; nextCursor: string | null }> =>
    pageOf(adminAccountSchema).parse((await as(here, `/api/admin/accounts?${query}`)).body)
  beforeAll(async () => {
    here = await startTestApp({ transport })
    await furnish(here)
  })

  test('accounts are listed the newest first, page by page, each with its plan and numbers', async () => {
    const { data, nextCursor } = await page('limit=2')
    expect(data.map(({ accountId }) => accountId)).toEqual(['org_c', 'user_b'])
    const rest = await page(`limit=2&cursor=${nextCursor}`)
    expect([rest.data.length, rest.nextCursor]).toEqual([1, null])
    const subscription = { plan: 'growth', status: 'active', processor: 'stripe', subscriptionId: 'sub_a' }
    expect(rest.data[0]).toMatchObject({ accountId: 'user_a', ...subscription, chatbots: 1, messagesUsed: 5, messagesQuota: 10000 })
  })

  test.each([['user_', ['user_b', 'user_a']], ['cus_a', ['user_a']], ['sub_a', ['user_a']], ['', ['org_c', 'user_b', 'user_a']], ['%25', []]])(
    'a search for "%s" finds what begins so', async (search, found) => {
      expect((await page(`search=${search}`)).data.map(({ accountId }) => accountId)).toEqual(found)
    })

  test('one account shows its meters, subscriptions and deliveries', async () => {
    const answer = await as(here, '/api/admin/accounts/user_a')
    const account = adminAccountDetailSchema.parse(answer.body)
    expect(account.metrics.find(({ metric }) => metric === 'messages')).toMatchObject({ used: 5, quota: 10000 })
    expect(account.subscriptions).toMatchObject([{ subscriptionId: 'sub_a', status: 'active', plan: 'growth', inForce: true }])
    expect(account.events).toMatchObject([{ eventId: 'evt_1', status: 'processed', occurredAt: '2026-11-20T09:00:00.000Z' }])
  })

  test('an account nobody used is 404, and looking does not make it', async () => {
    expect((await as(here, '/api/admin/accounts/user_nobody')).status).toBe(404)
    expect((await page('search=user_nobody')).data).toEqual([])
  })

  test('reconciliation runs come the latest first, and their drifts page by page', async () => {
    const runs = pageOf(reconciliationRunSchema).parse((await as(here, '/api/admin/reconciliation')).body).data
    expect(runs.map(({ processor, drifts, dryRun }) => [processor, drifts, dryRun])).toEqual([['paddle', 0, true], ['stripe', 4, false]])
    const drifts = async (query: string) =>
      pageOf(driftSchema).parse((await as(here, `/api/admin/reconciliation/${RUN}/drifts?${query}`)).body)
    const first = await drifts('limit=3')
    const second = await drifts(`limit=3&cursor=${first.nextCursor}`)
    const fields = [...first.data, ...second.data].map(({ eventId, field }) => `${eventId} ${field}`)
    expect(fields).toEqual(['evt_7 plan', 'evt_7 status', 'evt_8 plan', 'evt_8 status'])
    expect(second.nextCursor).toBeNull()
    expect((await as(here, '/api/admin/reconciliation/00000000-0000-4000-8000-000000000009/drifts')).status).toBe(404)
  })

  test('the doctor names what is broken', async () => {
    const healthy = doctorSchema.parse((await as(here, '/api/admin/doctor')).body)
    expect(healthy.checks.length).toBeGreaterThanOrEqual(17)
    expect(healthy.checks.filter(({ violations }) => violations > 0)).toEqual([])
    const client = await here.database.connect()
    await client.query(`update app.counters set used = used + 1 where account_id = 'user_b'`)
    const { checks } = doctorSchema.parse((await as(here, '/api/admin/doctor')).body)
    expect(checks.find(({ place }) => place === 1)).toMatchObject({ violations: 1, example: expect.stringContaining('user_b') })
  })
})

test('the doctor runs once for all who ask at the same time, and anew for who asks later', async () => {
  const { db } = server.parts
  let calls = 0
  const gate: { open?: () => void } = {}
  const opened = new Promise<void>((resolve) => { gate.open = resolve })
  const counting: Database = { ...db, rpc: async (name, args) => { calls += 1; await opened; return db.rpc(name, args) } }
  const slow = await startTestApp({ parts: { db: counting } })
  // supertest sends when it is awaited.
  const asked = ['one', 'two', 'three'].map(async () => (await as(slow, '/api/admin/doctor')).body)
  while (slow.log.filter((line) => line.includes('operator request')).length < 3) await new Promise(setImmediate)
  gate.open?.()
  const [one, two, three] = await Promise.all(asked)
  expect([calls, two, three]).toEqual([1, one, one])
  await as(slow, '/api/admin/doctor')
  expect(calls).toBe(2)
})

test('a doctor that takes too long says what to do instead', async () => {
  const { db } = server.parts
  const cancelled = new DatabaseUnavailable('57014: canceling statement due to statement timeout')
  const late = await startTestApp({ parts: { db: { ...db, rpc: () => Promise.reject(cancelled) } } })
  const answer = await as(late, '/api/admin/doctor')
  expect([answer.status, answer.body.detail]).toEqual([503, expect.stringContaining('npm run doctor')])
})

test.each([
  ['accounts?search=a%00', 'search'],
  ['accounts?limit=0', 'limit'],
  ['accounts?cursor=x', 'cursor'],
  // Half a surrogate pair, which JSON can write and Postgres cannot hold.
  [`accounts?cursor=${encodeCursor({ time: '2026-11-20T09:00:00Z', id: '\ud800' })}`, 'cursor'],
  [`inbox?cursor=${encodeCursor({ time: '2026-11-20T09:00:00Z', processor: 'stripe', id: '\ud800' })}`, 'cursor'],
  [`inbox?cursor=${encodeCursor({ time: '2026-11-20T09:00:00Z', processor: '\0', id: 'evt_1' })}`, 'cursor'],
  [`reconciliation/${RUN}/drifts?cursor=${encodeCursor({ eventId: 'evt_7', field: '\ud800' })}`, 'cursor'],
  ['accounts?other=1', 'other'],
  ['accounts/a%20b', 'accountId'],
  ['inbox?status=lost', 'status'],
  ['inbox?processor=nobody', 'processor'],
  ['inbox?accountId=%00', 'accountId'],
  ['inbox/stripe/evt%00', 'eventId'],
  ['inbox/nobody/evt_1', 'processor'],
  ['reconciliation/1/drifts', 'runId']
])('%s is a 400 that names %s', async (path, field) => {
  const answer = await as(server, `/api/admin/${path}`)
  expect([answer.status, answer.body.errors]).toEqual([400, [{ field, problem: expect.any(String) }]])
})
