import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { deleteChatbot } from '../../src/db/functions/delete-chatbot.ts'
import { syncChatbotCount } from '../../src/db/functions/sync-chatbot-count.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

describe.each(transports)('chatbots and their gauge over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database)
    await owner.query(`insert into app.plans (plan, name, position) values ('five', 'Five', 9)`)
    await owner.query(`update app.plan_quotas set quota = 5 where plan = 'five' and metric = 'chatbots'`)
  })

  async function accountWith(accountId: string, chatbots: number): Promise<string> {
    await owner.query(`insert into app.accounts (account_id, plan, anchor) values ($1, 'five', now())`, [accountId])
    for (let made = 0; made < chatbots; made += 1) await createChatbot(db, { accountId, name: `bot ${made}` })
    return accountId
  }

  async function rowsOf(accountId: string): Promise<number> {
    const { rows } = await owner.query<{ count: number }>('select count(*)::int from app.chatbots where account_id = $1', [accountId])
    return rows[0]?.count ?? -1
  }

  test('five parallel creates at 4 of 5: exactly one succeeds', async () => {
    const accountId = await accountWith('four_of_five', 4)
    const created = await Promise.all(Array.from({ length: 5 }, () => createChatbot(db, { accountId, name: 'the fifth' })))
    expect(created.filter((one) => one.allowed)).toHaveLength(1)
    expect(created.filter((one) => !one.allowed).every((one) => one.used === 5 && one.quota === 5 && one.chatbotId === null)).toBe(true)
    expect(await rowsOf(accountId)).toBe(5)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a create repeated 20 times at once with one request id makes one chatbot', async () => {
    const accountId = await accountWith('repeated_create', 0)
    const created = await Promise.all(
      Array.from({ length: 20 }, () => createChatbot(db, { accountId, name: 'once', requestId: 'same' }))
    )
    expect(new Set(created.map((one) => one.chatbotId)).size).toBe(1)
    expect(await rowsOf(accountId)).toBe(1)
  })

  test('functions and plain SQL inserting and deleting at once leave the gauge equal to the rows, within the quota', async () => {
    const accountId = await accountWith('every_path', 2)
    const clients = await Promise.all(Array.from({ length: 6 }, () => database.connect()))
    const byHand = clients.map(async (client, index) => {
      const insert = client.query(`insert into app.chatbots (account_id, name) values ($1, 'by hand')`, [accountId])
      const refused = await insert.then(() => null, (error: { code: string }) => error.code)
      expect([null, 'PY402']).toContain(refused)
      if (index % 2 === 0) await client.query(`delete from app.chatbots where account_id = $1 and name = 'by hand'`, [accountId])
    })
    const byFunction = Array.from({ length: 10 }, async () => {
      const created = await createChatbot(db, { accountId, name: 'by function' })
      if (created.chatbotId !== null) await deleteChatbot(db, { accountId, chatbotId: created.chatbotId })
    })
    await Promise.all([...byHand, ...byFunction])
    expect(await rowsOf(accountId)).toBeLessThanOrEqual(5)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('sync_chatbot_count waits for a create in flight, counts it, and corrects only what really differs', async () => {
    const accountId = await accountWith('synchronised', 1)
    const inFlight = await database.connect()
    await inFlight.query('begin')
    await inFlight.query(`insert into app.chatbots (account_id, name) values ($1, 'not yet committed')`, [accountId])
    // A drift, made the only way there is: with triggers off, as a restore would.
    await owner.query(`begin; set local session_replication_role = replica;
      insert into app.chatbots (account_id, name) values ('${accountId}', 'restored'); commit`)

    const repair = syncChatbotCount(db, { accountId })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await repair).toEqual([{ accountId, counted: 2, actual: 3 }])
    expect(await syncChatbotCount(db, { accountId })).toEqual([])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a backend killed in the middle of a create leaves neither row nor count', async () => {
    const accountId = await accountWith('killed', 1)
    const victim = await database.connect()
    await victim.query('begin')
    await victim.query(`insert into app.chatbots (account_id, name) values ($1, 'half made')`, [accountId])
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid')
    await owner.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    const next = await createChatbot(db, { accountId, name: 'after the crash' })
    expect(next).toMatchObject({ allowed: true, used: 2 })
    expect(await rowsOf(accountId)).toBe(2)
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
