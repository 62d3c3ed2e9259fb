import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

const START = '2026-11-01T00:00:00Z'
const END = '2026-12-01T00:00:00Z'

describe.each(transports)('decisions while the plan changes, over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    // The events below are dated; the clock stands in their window.
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  const subscribe = (accountId: string, eventId: string, occurredAt: string, plan: string, status = 'active'): Promise<unknown> =>
    recordBillingEvent(
      db,
      billingEvent({ accountId, eventId, occurredAt, status, subscriptionId: `sub_${accountId}`, ...on(plan, START, END) })
    )

  test('a downgrade waits for the decision in flight; after it nothing is granted by the old plan', async () => {
    const accountId = 'downgraded'
    await subscribe(accountId, 'evt_d1', '2026-11-01T00:00:00Z', 'starter')
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 500 })

    const inFlight = await database.connect()
    await inFlight.query('begin')
    await inFlight.query(`select * from api.check_and_increment_usage($1, 'messages', 10)`, [accountId])
    const downgrade = subscribe(accountId, 'evt_d2', '2026-11-10T00:00:00Z', 'starter', 'canceled')
    await untilBlocked(owner)
    const { rows } = await owner.query(`select plan from app.subscriptions where user_id = $1`, [accountId])
    expect(rows).toEqual([{ plan: 'starter' }])

    await inFlight.query('commit')
    await downgrade
    expect(await checkAndIncrementUsage(db, { accountId, metric: 'messages' })).toMatchObject({
      allowed: false,
      used: 510,
      quota: 100,
      remaining: 0,
      plan: 'free'
    })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a decision that waits for a downgrade in flight is made by the new plan', async () => {
    const accountId = 'overtaken'
    await subscribe(accountId, 'evt_o1', '2026-11-01T00:00:00Z', 'starter')
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 500 })

    const downgrade = await database.connect()
    await downgrade.query('begin')
    await downgrade.query(
      `select * from api.record_billing_event('overtaken', 'stripe', 'evt_o2', 't', 'state', '2026-11-10T00:00:00Z', 3, null,
         'sub_overtaken', 'canceled', null, null, null, null, null, null, null, '{}')`
    )
    const decision = checkAndIncrementUsage(db, { accountId, metric: 'messages' })
    await untilBlocked(owner)
    await downgrade.query('commit')
    expect(await decision).toMatchObject({ allowed: false, plan: 'free', quota: 100 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an upgrade is granted by at once: the next call after its commit has the new quota', async () => {
    const accountId = 'upgraded'
    await checkAndIncrementUsage(db, { accountId, metric: 'seats' })
    expect(await checkAndIncrementUsage(db, { accountId, metric: 'seats' })).toMatchObject({ allowed: false, plan: 'free' })
    await subscribe(accountId, 'evt_u1', START, 'starter')
    expect(await checkAndIncrementUsage(db, { accountId, metric: 'seats' })).toMatchObject({ allowed: true, plan: 'starter', used: 2 })
  })

  test('64 callers while a renewal opens the next window: each window grants its own quota and no counter is lowered', async () => {
    const accountId = 'renewed'
    await subscribe(accountId, 'evt_r1', '2026-10-15T00:00:00Z', 'starter')
    const callers = Array.from({ length: 64 }, () => checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 50 }))
    const renewal = recordBillingEvent(
      db,
      billingEvent({
        accountId,
        eventId: 'evt_r2',
        occurredAt: '2026-11-09T12:00:00Z',
        status: 'active',
        subscriptionId: `sub_${accountId}`,
        ...on('starter', '2026-11-09T12:00:00Z', '2026-12-09T12:00:00Z')
      })
    )
    const [decisions] = await Promise.all([Promise.all(callers), renewal])
    const { rows } = await owner.query<{ used: string }>(
      `select used from app.counters where account_id = $1 and metric = 'messages'`,
      [accountId]
    )
    const granted = decisions.filter((decision) => decision.allowed).length * 50
    expect(rows.map((row) => Number(row.used)).reduce((sum, used) => sum + used, 0)).toBe(granted)
    expect(rows.every((row) => Number(row.used) <= 2000)).toBe(true)
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
