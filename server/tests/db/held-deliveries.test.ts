import { beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { discardEventAs } from '../../src/db/functions/discard-event-as.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { openPostgres } from '../../src/db/postgres.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { closeAfterTests, createTestDatabase } from '../support/database.ts'
import { untilBlocked } from '../support/steps.ts'

const START = '2026-11-01T00:00:00Z'
const END = '2026-12-01T00:00:00Z'

// As held-locks.test.ts: each lock alone, held by one session while the other comes.
let db: Database
let owner: Client
let inFlight: Client

beforeAll(async () => {
  const database = await createTestDatabase()
  owner = await database.connect()
  inFlight = await database.connect()
  // The events below are dated; the clock stands in their window.
  await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
  // Whoever waits here waits for what the test does next, not for a server's patience.
  db = openPostgres({ url: database.serverUrl, timeoutMs: 8_000 })
  closeAfterTests(() => db.close())
})

beforeEach(async () => {
  await inFlight.query('rollback; begin')
})

function subscribe(accountId: string, fields: Partial<ReturnType<typeof billingEvent>>): ReturnType<typeof recordBillingEvent> {
  return recordBillingEvent(
    db,
    billingEvent({
      accountId, eventId: `evt_${accountId}`, occurredAt: START, status: 'active', subscriptionId: `sub_${accountId}`,
      ...on('starter', START, END), ...fields
    })
  )
}

test('the end of a customer waits for the first of its accounts before it locks a later one', async () => {
  for (const accountId of ['customer_b', 'customer_a']) await subscribe(accountId, { customerId: 'cus_of_two' })
  await inFlight.query(`select from app.accounts where account_id = 'customer_a' for share`)
  const end = recordBillingEvent(db, billingEvent({
    eventId: 'evt_two_end', eventType: 'customer.deleted', kind: 'closed', customerId: 'cus_of_two', occurredAt: '2026-11-09T00:00:00Z'
  }))
  await untilBlocked(owner)
  await owner.query(`select from app.accounts where account_id = 'customer_b' for no key update nowait`)
  await inFlight.query('commit')
  expect(await end).toMatchObject({ outcome: 'processed' })
  const { rows } = await owner.query(`select plan from app.accounts where account_id like 'customer%'`)
  expect(rows).toEqual([{ plan: 'free' }, { plan: 'free' }])
})

test('a delivery that is being applied is waited for before it is discarded, and then not', async () => {
  const event = { eventId: 'evt_discarded', priceIds: ['price_of_nobody'] }
  expect(await subscribe('discarded', event)).toMatchObject({ outcome: 'failed' })
  await inFlight.query(
    `select * from api.record_billing_event('discarded', 'stripe', 'evt_discarded', 't', 'state', '2026-11-09T00:00:00Z', 2, null,
       'sub_discarded', 'active', null, array['price_growth_monthly'], array[$1::timestamptz], array[$2::timestamptz], null, null, null, '{}')`,
    [START, END]
  )
  const discard = discardEventAs(db, { operatorId: 'operator', processor: 'stripe', eventId: 'evt_discarded', reason: 'a test' })
  await untilBlocked(owner)
  await inFlight.query('commit')
  expect(await discard).toEqual({ outcome: 'refused', status: 'processed' })
})
