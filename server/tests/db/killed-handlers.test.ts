import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { type Database, DatabaseUnavailable } from '../../src/db/database.ts'
import { beginAnswer } from '../../src/db/functions/begin-answer.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { createConversation } from '../../src/db/functions/create-conversation.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

const START = '2026-11-01T00:00:00Z'
const END = '2026-12-01T00:00:00Z'

describe.each(transports)('a handler whose session is killed, over %s', (transport) => {
  let db: Database
  let owner: Client
  let holder: Client
  let number = 0

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    holder = await database.connect()
    await owner.query(`update app.environment set clock_offset = '2026-11-10T00:00:00Z' - now()`)
    db = await openDatabase(transport, database)
  })

  beforeEach(async () => {
    await holder.query('rollback; begin')
  })

  /** killBlocked ends the one session that waits for a lock, at the statement it waits in. */
  async function killBlocked(): Promise<void> {
    await untilBlocked(owner)
    const { rows } = await owner.query(
      `select pg_terminate_backend(pid) as killed from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`
    )
    expect(rows).toEqual([{ killed: true }])
  }

  /** traces is every row an event may leave, by table. */
  async function traces(accountId: string, eventId: string): Promise<unknown> {
    const { rows } = await owner.query(
      `select (select jsonb_agg(jsonb_build_array(status, deliveries, attempts)) from app.webhook_events where id = $2) as inbox,
              (select count(*)::int from app.subscription_events where event_id = $2) as events,
              (select count(*)::int from app.processor_subscriptions where account_id = $1) as subscriptions,
              (select count(*)::int from app.processor_links where account_id = $1) as links,
              (select count(*)::int from app.windows where account_id = $1) as windows,
              (select plan from app.accounts where account_id = $1) as plan`,
      [accountId, eventId]
    )
    return rows[0]
  }

  const NOTHING = { inbox: null, events: 0, subscriptions: 0, links: 0, windows: 0 }
  const inbox = `insert into app.webhook_events (processor, id, event_type, status, occurred_at, payload, payload_sha256)
    values ('stripe', $2, $1, 'received', now(), '', '')`
  // The delivery itself, not its lock alone: what is in flight elsewhere may yet be rolled back.
  const delivery = `select * from api.record_billing_event($1, 'stripe', $2, 'customer.subscription.updated', 'state', '${START}', 2, null,
    'sub_' || $1, 'active', null, array['price_starter_monthly'], array['${START}'::timestamptz], array['${END}'::timestamptz],
    null, null, null, '{}')`

  test.each([
    { where: 'at the account', hold: `select $2::text from app.accounts where account_id = $1 for update` },
    { where: 'at a counter, with the subscription already written', hold: `select $2::text from app.counters where account_id = $1 for update` },
    { where: 'at the inbox row of another delivery', hold: inbox },
    { where: 'at another delivery in flight', hold: delivery }
  ])('$where applies nothing of its event, and the next delivery applies all of it', async ({ where, hold }) => {
    const accountId = `killed_${(number += 1)}`
    const eventId = `evt_${accountId}`
    const event = billingEvent({ accountId, eventId, occurredAt: START, status: 'active', subscriptionId: `sub_${accountId}`, ...on('starter', START, END) })
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 100 })

    await holder.query(hold, [accountId, eventId])
    const dying = expect({ where, error: await failureOf(recordBillingEvent(db, event), killBlocked) })
    dying.toMatchObject({ error: expect.any(DatabaseUnavailable) })
    await holder.query('rollback')
    expect(await traces(accountId, eventId)).toEqual({ ...NOTHING, plan: 'free' })
    expect(await brokenInvariants(owner)).toEqual([])

    expect(await recordBillingEvent(db, event)).toMatchObject({ outcome: 'processed', lastError: null })
    const whole = { inbox: [['processed', 1, 1]], events: 1, subscriptions: 1, links: 1, windows: 1, plan: 'starter' }
    expect(await traces(accountId, eventId)).toEqual(whole)
    expect(await checkAndIncrementUsage(db, { accountId, metric: 'messages' })).toMatchObject({ allowed: true, used: 1, quota: 2000 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('beside a delivery that then succeeds adds no second effect, and the next delivery is told so', async () => {
    const accountId = 'killed_beside'
    const event = billingEvent({
      accountId,
      eventId: 'evt_beside',
      occurredAt: START,
      status: 'active',
      subscriptionId: `sub_${accountId}`,
      ...on('starter', START, END)
    })
    await holder.query(delivery, [accountId, 'evt_beside'])
    expect(await failureOf(recordBillingEvent(db, event), killBlocked)).toBeInstanceOf(DatabaseUnavailable)
    await holder.query('commit')
    expect(await recordBillingEvent(db, event)).toMatchObject({ outcome: 'duplicate', accountId })
    expect(await traces(accountId, 'evt_beside')).toEqual({
      inbox: [['processed', 2, 1]],
      events: 1,
      subscriptions: 1,
      links: 1,
      windows: 1,
      plan: 'starter'
    })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('while it charges with a request id is repeated by the server itself, and charges once', async () => {
    const accountId = 'killed_charge'
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 40 })
    await holder.query('select from app.counters where account_id = $1 for update', [accountId])
    const charging = checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 7, requestId: 'same' })
    await killBlocked()
    await holder.query('rollback')
    expect(await charging).toMatchObject({ allowed: true, used: 47 })
    expect(await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 7, requestId: 'same' })).toMatchObject({ used: 47, replayed: true })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('while it begins an answer leaves neither messages nor reservations, and the next try begins it', async () => {
    const accountId = 'killed_answer'
    const { chatbotId } = await createChatbot(db, { accountId, name: 'Bot' })
    const made = chatbotId === null ? null : await createConversation(db, { accountId, chatbotId })
    if (chatbotId === null || made === null) throw new Error('there is nothing to ask')
    await checkAndIncrementUsage(db, { accountId, metric: 'llm_tokens', amount: 10 })
    await checkAndIncrementUsage(db, { accountId, metric: 'messages', amount: 10 })
    const ask = () =>
      beginAnswer(db, { accountId, chatbotId, conversationId: made.conversationId, content: 'Hello?', tokenEstimate: 50, channel: 'api' })
    const rowsOf = async (): Promise<unknown> => {
      const { rows } = await owner.query(
        `select (select count(*)::int from app.messages where account_id = $1) as messages,
                (select count(*)::int from app.usage_reservations where account_id = $1) as reservations,
                (select jsonb_object_agg(metric, used) from app.counters where account_id = $1) as used`,
        [accountId]
      )
      return rows[0]
    }
    const before = await rowsOf()
    expect(before).toMatchObject({ messages: 0, reservations: 0 })

    await holder.query(`select from app.counters where account_id = $1 and metric = $2 for update`, [accountId, 'messages'])
    expect(await failureOf(ask(), killBlocked)).toBeInstanceOf(DatabaseUnavailable)
    await holder.query('rollback')
    expect(await rowsOf()).toEqual(before)
    expect(await ask()).toMatchObject({ outcome: 'started', used: 11 })
    expect(await rowsOf()).toMatchObject({ messages: 2, used: { messages: 11, llm_tokens: 60, api_calls: 1 } })
    expect(await brokenInvariants(owner)).toEqual([])
  })
})

/** failureOf is what the call failed with after `meanwhile`; null when it did not. */
async function failureOf(call: Promise<unknown>, meanwhile: () => Promise<void>): Promise<unknown> {
  const failure = call.then(
    () => null,
    (error: unknown) => error
  )
  await meanwhile()
  return failure
}
