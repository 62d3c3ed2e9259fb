import { beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { claimWebhookEvents } from '../../src/db/functions/claim-webhook-events.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

type Event = ReturnType<typeof billingEvent>

/** life is half a year of one subscription: start, renewals carried twice, a failed payment, its recovery, an upgrade, the end. */
function life(accountId: string): Event[] {
  const subscription = { subscriptionId: `sub_${accountId}`, customerId: `cus_${accountId}` }
  const state = (eventId: string, occurredAt: string, plan: string, start: string, end: string, fields: Partial<Event> = {}): Event =>
    billingEvent({ eventId: `${eventId}_${accountId}`, occurredAt, status: 'active', ...subscription, ...on(plan, start, end), ...fields })
  const payment = (eventId: string, occurredAt: string, paid: 'paid' | 'failed', start: string, end: string): Event =>
    state(eventId, occurredAt, 'starter', start, end, { kind: 'payment', eventRank: 1, status: null, payment: paid })
  return [
    billingEvent({ accountId, kind: 'link', eventRank: 0, eventId: `evt_link_${accountId}`, occurredAt: '2026-01-31T09:00:00Z', ...subscription }),
    state('evt_created', '2026-01-31T09:00:00Z', 'starter', '2026-01-31T09:00:00Z', '2026-02-28T09:00:00Z', { status: 'incomplete', eventRank: 0 }),
    payment('evt_paid_1', '2026-01-31T09:00:00Z', 'paid', '2026-01-31T09:00:00Z', '2026-02-28T09:00:00Z'),
    state('evt_updated_1', '2026-01-31T09:00:01Z', 'starter', '2026-01-31T09:00:00Z', '2026-02-28T09:00:00Z'),
    state('evt_updated_2', '2026-02-28T09:00:00Z', 'starter', '2026-02-28T09:00:00Z', '2026-03-31T09:00:00Z'),
    payment('evt_paid_2', '2026-02-28T10:00:00Z', 'paid', '2026-02-28T09:00:00Z', '2026-03-31T09:00:00Z'),
    state('evt_updated_3', '2026-03-31T09:00:00Z', 'starter', '2026-03-31T09:00:00Z', '2026-04-30T09:00:00Z'),
    payment('evt_failed_3', '2026-03-31T10:00:00Z', 'failed', '2026-03-31T09:00:00Z', '2026-04-30T09:00:00Z'),
    state('evt_past_due', '2026-03-31T10:00:01Z', 'starter', '2026-03-31T09:00:00Z', '2026-04-30T09:00:00Z', { status: 'past_due' }),
    payment('evt_paid_3', '2026-04-02T10:00:00Z', 'paid', '2026-03-31T09:00:00Z', '2026-04-30T09:00:00Z'),
    state('evt_upgraded', '2026-04-10T09:00:00Z', 'growth', '2026-03-31T09:00:00Z', '2026-04-30T09:00:00Z'),
    state('evt_updated_4', '2026-04-30T09:00:00Z', 'growth', '2026-04-30T09:00:00Z', '2026-05-31T09:00:00Z', { cancelsAt: '2026-05-31T09:00:00Z' })
  ]
}

describe.each(transports)('deliveries at once and in any order, over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    await owner.query(`update app.environment set clock_offset = '2026-05-10T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  /** stateOf is everything events may change, without names of events or accounts. */
  async function stateOf(accountId: string): Promise<unknown> {
    const { rows } = await owner.query(
      `select a.plan, a.plan_ends_at, a.anchor, s.status, s.plan as subscribed, s.period_start, s.period_end, s.cancels_at,
              s.past_due_since, s.in_force, s.as_of,
              (select jsonb_agg(w.window_start order by w.window_start) from app.windows w where w.account_id = a.account_id) as windows
         from app.accounts a join app.processor_subscriptions s using (account_id) where a.account_id = $1`,
      [accountId]
    )
    return rows
  }

  /** deliver records events, then retries what had to wait for the link, as the job does, until nothing is due. */
  async function deliver(events: Event[], all: Event[]): Promise<void> {
    await Promise.all(events.map((event) => recordBillingEvent(db, event)))
    for (;;) {
      const due = await claimWebhookEvents(db, { limit: 100 })
      if (due.length === 0) return
      for (const row of due) {
        const event = all.find((one) => one.eventId === row.id)
        if (event !== undefined) await recordBillingEvent(db, event)
      }
    }
  }

  test('one delivery handled by 16 callers at once has one inbox row and one effect', async () => {
    const [event] = life('sixteen').slice(3, 4)
    if (event === undefined) throw new Error('life has no such event')
    const outcomes = await Promise.all(Array.from({ length: 16 }, () => recordBillingEvent(db, { ...event, accountId: 'sixteen' })))
    expect(outcomes.map((one) => one.outcome).toSorted()).toEqual([...Array<string>(15).fill('duplicate'), 'processed'])
    const { rows } = await owner.query(`select deliveries, attempts, status from app.webhook_events where id = $1`, [event.eventId])
    expect(rows).toEqual([{ deliveries: 16, attempts: 1, status: 'processed' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('half a year of events, shuffled, doubled and delivered in parallel, always ends as in perfect order', async () => {
    for (const event of life('in_order')) await recordBillingEvent(db, event)
    const expected = await stateOf('in_order')
    expect(expected).toMatchObject([{ plan: 'growth', status: 'active', in_force: true }])

    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...Array(24).keys()], { minLength: 24 }), fc.integer({ min: 1, max: 6 }), async (order, width) => {
        const accountId = `shuffled_${(run += 1)}`
        const events = life(accountId)
        const deliveries = order.map((index) => events[index % events.length]).filter((event) => event !== undefined)
        for (let from = 0; from < deliveries.length; from += width) await deliver(deliveries.slice(from, from + width), events)
        expect(await stateOf(accountId)).toEqual(expected)
      }),
      { seed: 20261120, numRuns: 40 }
    )
    expect(await brokenInvariants(owner)).toEqual([])
  }, 60_000)

  test('a second delivery waits for the first; when the first dies unanswered, the second applies it', async () => {
    const event = { ...life('died')[3], accountId: 'died' }
    const dying = await database.connect()
    const { rows } = await dying.query<{ pid: number }>('select pg_backend_pid() as pid')
    await dying.query('begin')
    await dying.query(
      `select * from api.record_billing_event('died', 'stripe', $1, 't', 'state', '2026-01-31T09:00:01Z', 2, null, 'sub_died', 'active',
         null, array['price_starter_monthly'], array['2026-01-31T09:00:00Z'::timestamptz], array['2026-02-28T09:00:00Z'::timestamptz], null, null, null, '{}')`,
      [event.eventId]
    )
    const second = recordBillingEvent(db, event as Event)
    await untilBlocked(owner)
    await owner.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    expect(await second).toMatchObject({ outcome: 'processed', accountId: 'died' })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('two workers never claim the same delivery', async () => {
    for (let index = 0; index < 30; index += 1) {
      await recordBillingEvent(
        db,
        billingEvent({
          accountId: 'unknown_price',
          eventId: `evt_price_${index}`,
          occurredAt: '2026-05-01T00:00:00Z',
          status: 'active',
          subscriptionId: `sub_price_${index}`,
          priceIds: ['price_nobody_knows'],
          periodStarts: [null],
          periodEnds: [null]
        })
      )
    }
    await owner.query(`update app.webhook_events set next_attempt_at = app.clock() where status = 'failed'`)
    const claims = await Promise.all(Array.from({ length: 8 }, () => claimWebhookEvents(db, { limit: 5 })))
    const ids = claims.flat().map((row) => row.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(30)
  })
})
