import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { beginPlanChange } from '../../src/db/functions/begin-plan-change.ts'
import { beginPlanChangeUndo } from '../../src/db/functions/begin-plan-change-undo.ts'
import { checkAndIncrementUsageMany } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { claimOperations } from '../../src/db/functions/claim-operations.ts'
import { claimWebhookEvents } from '../../src/db/functions/claim-webhook-events.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { deleteChatbot } from '../../src/db/functions/delete-chatbot.ts'
import { keepChatbots } from '../../src/db/functions/keep-chatbots.ts'
import { openVisit } from '../../src/db/functions/open-visit.ts'
import { queueDueChanges } from '../../src/db/functions/queue-due-changes.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { releaseExpiredReservations } from '../../src/db/functions/release-expired-reservations.ts'
import { reserveUsage } from '../../src/db/functions/reserve-usage.ts'
import { settleUsage } from '../../src/db/functions/settle-usage.ts'
import { openPostgres } from '../../src/db/postgres.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { closeAfterTests, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

const START = '2026-11-01T00:00:00Z'
const END = '2026-12-01T00:00:00Z'

// Each lock alone, held by one session while the other comes: callers that merely race rarely meet in the one instant it is for.
describe('a lock that is held in flight', () => {
  let database: TestDatabase
  let db: Database
  let owner: Client
  let inFlight: Client
  let events = 0

  beforeAll(async () => {
    database = await createTestDatabase()
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

  /** subscribe is what Stripe or, for a price of its own, Paddle says of an account's subscription. */
  const subscribe = (accountId: string, plan: string, fields: Partial<ReturnType<typeof billingEvent>> = {}): ReturnType<typeof recordBillingEvent> => {
    events += 1
    return recordBillingEvent(
      db,
      billingEvent({
        accountId,
        eventId: `evt_${events}`,
        occurredAt: new Date(Date.parse(START) + events * 1_000).toISOString(),
        status: 'active',
        subscriptionId: `sub_${accountId}`,
        ...on(plan, START, END),
        ...fields
      })
    )
  }

  /** falling is a cancellation that is recorded, and not committed yet. */
  const falling = (accountId: string): Promise<unknown> =>
    inFlight.query(
      `select * from api.record_billing_event($1, 'stripe', 'evt_falls_' || $1, 't', 'state', '2026-11-09T00:00:00Z', 3, null,
         'sub_' || $1, 'canceled', null, null, null, null, null, null, null, '{}')`,
      [accountId]
    )

  async function usedOf(accountId: string, metric: string): Promise<number> {
    const { rows } = await owner.query<{ used: string }>('select used from app.counters where account_id = $1 and metric = $2', [accountId, metric])
    return Number(rows[0]?.used ?? -1)
  }

  test('the first use of a window waits for a downgrade in flight, and is decided by the plan after it', async () => {
    await subscribe('first_use', 'starter')
    await falling('first_use')
    const decision = checkAndIncrementUsage(db, { accountId: 'first_use', metric: 'messages', amount: 500 })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await decision).toMatchObject({ allowed: false, used: 0, quota: 100, plan: 'free' })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a downgrade waits for the first use of a window in flight: nothing is granted by the plan before once it is over', async () => {
    await subscribe('used_first', 'starter')
    await inFlight.query(`select * from api.check_and_increment_usage('used_first', 'messages', 500)`)
    const downgrade = subscribe('used_first', 'starter', { status: 'canceled' })
    await untilBlocked(owner)
    const { rows } = await owner.query(`select plan from app.subscriptions where user_id = 'used_first'`)
    expect(rows).toEqual([{ plan: 'starter' }])
    await inFlight.query('commit')
    expect(await downgrade).toMatchObject({ outcome: 'processed' })
    expect(await usedOf('used_first', 'messages')).toBe(500)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a request repeated while its first call is in flight waits for it, and charges nothing', async () => {
    await checkAndIncrementUsage(db, { accountId: 'repeated', metric: 'messages' })
    await inFlight.query(`select * from api.check_and_increment_usage('repeated', 'messages', 10, 'R')`)
    const again = checkAndIncrementUsage(db, { accountId: 'repeated', metric: 'messages', amount: 10, requestId: 'R' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await again).toMatchObject({ allowed: true, used: 11, replayed: true })
    expect(await usedOf('repeated', 'messages')).toBe(11)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a batch has locked the first of its counters before it waits for a later one', async () => {
    const accountIds = ['later', 'first']
    for (const accountId of accountIds) await checkAndIncrementUsage(db, { accountId, metric: 'messages' })
    await inFlight.query(`select from app.counters where account_id = 'later' for update`)
    const batch = checkAndIncrementUsageMany(db, { accountIds, metrics: ['messages', 'messages'] })
    await untilBlocked(owner)
    await expect(owner.query(`select from app.counters where account_id = 'first' for update nowait`)).rejects.toMatchObject({ code: '55P03' })
    await inFlight.query('commit')
    expect(await batch).toMatchObject([{ allowed: true, used: 2 }, { allowed: true, used: 2 }])
  })

  test('a batch that is sorted out has locked the first of its counters before it waits for a later one', async () => {
    const accountIds = ['order_b', 'order_a', 'order_closed']
    for (const accountId of accountIds) await checkAndIncrementUsage(db, { accountId, metric: 'messages' })
    // Where one is closed, the batch is sorted out.
    await owner.query(`update app.accounts set closed_at = app.clock() where account_id = 'order_closed'`)
    await inFlight.query(`select from app.counters where account_id = 'order_b' for update`)
    const batch = checkAndIncrementUsageMany(db, { accountIds, metrics: accountIds.map(() => 'messages') })
    await untilBlocked(owner)
    await expect(owner.query(`select from app.counters where account_id = 'order_a' for update nowait`)).rejects.toMatchObject({ code: '55P03' })
    await inFlight.query('commit')
    expect(await batch).toMatchObject([{ allowed: true, used: 2 }, { allowed: true, used: 2 }, { errorCode: 'PY415' }])
  })

  test('a batch that is refused waits for nobody', async () => {
    await checkAndIncrementUsage(db, { accountId: 'met', metric: 'messages', amount: 100 })
    await inFlight.query(`select from app.counters where account_id = 'met' for update`)
    const [refused] = await checkAndIncrementUsageMany(db, { accountIds: ['met'], metrics: ['messages'] })
    expect(refused).toMatchObject({ allowed: false, used: 100 })
  })

  test('a batch that waited for a counter charges what it has become', async () => {
    await checkAndIncrementUsage(db, { accountId: 'waited', metric: 'messages', amount: 10 })
    await inFlight.query(`select * from api.check_and_increment_usage('waited', 'messages', 60)`)
    const batch = checkAndIncrementUsageMany(db, { accountIds: ['waited', 'waited'], metrics: ['messages', 'messages'], amounts: [20, 20] })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await batch).toMatchObject([{ allowed: true, used: 90 }, { allowed: false, used: 90 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a batch that waits for a downgrade in flight is decided by the plan after it', async () => {
    await subscribe('batched', 'starter')
    await checkAndIncrementUsage(db, { accountId: 'batched', metric: 'messages', amount: 500 })
    await falling('batched')
    const batch = checkAndIncrementUsageMany(db, { accountIds: ['batched', 'batched'], metrics: ['messages', 'messages'] })
    await untilBlocked(owner)
    await inFlight.query('commit')
    const refused = { allowed: false, used: 500, quota: 100, plan: 'free' }
    expect(await batch).toMatchObject([refused, refused])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a downgrade waits for the first use of a window in a batch in flight', async () => {
    await subscribe('batched_first', 'starter')
    await inFlight.query(`select * from api.check_and_increment_usage_many(array['batched_first'], array['messages'], array[500])`)
    const downgrade = subscribe('batched_first', 'starter', { status: 'canceled' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await downgrade).toMatchObject({ outcome: 'processed' })
    expect(await usedOf('batched_first', 'messages')).toBe(500)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back that makes a counter waits for who closes the account, and cannot have locked that counter', async () => {
    await checkAndIncrementUsage(db, { accountId: 'given_back', metric: 'api_calls' })
    await inFlight.query(`select * from api.check_and_increment_usage('given_back', 'api_calls')`)
    const closing = recordBillingEvent(db, billingEvent({
      accountId: 'given_back', processor: 'clerk', eventId: 'evt_given_back', eventType: 'user.deleted', kind: 'closed', occurredAt: START
    }))
    await untilBlocked(owner)
    const gift = decrementUsage(db, { accountId: 'given_back', metric: 'messages', amount: 1, requestId: 'gift' })
    await untilBlocked(owner, 2)
    await inFlight.query('commit')
    expect(await closing).toMatchObject({ outcome: 'processed' })
    expect(await gift).toMatchObject({ used: 0 })
  })

  test('a reservation that is being settled is waited for, and settled once', async () => {
    const reservation = { accountId: 'settled_twice', requestId: 'R' }
    await checkAndIncrementUsage(db, { accountId: 'settled_twice', metric: 'messages', amount: 50 })
    await reserveUsage(db, { ...reservation, metric: 'messages', amount: 10 })
    await inFlight.query(`select * from api.settle_usage('settled_twice', 'R', 4)`)
    const again = settleUsage(db, { ...reservation, amount: 4 })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await again).toMatchObject({ used: 54, replayed: true })
    expect(await usedOf('settled_twice', 'messages')).toBe(54)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a sweeper passes over what another one is releasing', async () => {
    await inFlight.query('rollback')
    await reserveUsage(db, { accountId: 'swept', requestId: 'R', metric: 'messages', amount: 10, expiresInSeconds: 1 })
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '2 seconds'`)
    await inFlight.query('begin')
    const { rows } = await inFlight.query(`select account_id, released from api.release_expired_reservations()`)
    expect(rows).toEqual([{ account_id: 'swept', released: '10' }])
    expect(await releaseExpiredReservations(db)).toEqual([])
    await inFlight.query('commit')
    expect(await usedOf('swept', 'messages')).toBe(0)
  })

  test('a sweeper has locked the message before it waits for a counter: an end of that answer waits, and neither is rolled back', async () => {
    const { chatbotId } = await createChatbot(db, { accountId: 'ended', name: 'Bot' })
    const conversation = await owner.query<{ id: string }>(`select conversation_id as id from api.create_conversation('ended', $1)`, [chatbotId])
    const answer = await owner.query<{ id: string }>(`select message_id as id from api.begin_answer('ended', $1, $2, 'Hello?', 100, p_expires_in_seconds => 1)`, [
      chatbotId,
      conversation.rows[0]?.id
    ])
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '2 seconds'`)
    await inFlight.query(`select from app.counters where account_id = 'ended' and metric = 'api_calls' for update`)
    // Sessions of their own: the server's would repeat what a deadlock has rolled back.
    const [sweeper, ender] = [await database.connect(), await database.connect()]
    const sweeping = sweeper.query('select metric from api.release_expired_reservations()')
    await untilBlocked(owner)
    const ending = ender.query(`select status from api.finish_answer('ended', $1, 'complete', 'Answer')`, [answer.rows[0]?.id])
    await untilBlocked(owner, 2)
    await inFlight.query('commit')
    expect((await sweeping).rows).toHaveLength(3)
    expect((await ending).rows).toEqual([{ status: 'failed' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('the deletion of a chatbot has locked the level of chatbots before it waits for that of storage', async () => {
    const { chatbotId } = await createChatbot(db, { accountId: 'deleter', name: 'Bot' })
    await owner.query(`select * from api.create_document('deleter', $1, 'a.txt', 'text/plain', 10, repeat('0', 64), array['Text'])`, [chatbotId])
    await inFlight.query(`select from app.counters where account_id = 'deleter' and metric = 'storage_bytes' for update`)
    const deleting = deleteChatbot(db, { accountId: 'deleter', chatbotId: chatbotId ?? '' })
    await untilBlocked(owner)
    await expect(
      owner.query(`select from app.counters where account_id = 'deleter' and metric = 'chatbots' for update nowait`)
    ).rejects.toMatchObject({ code: '55P03' })
    await inFlight.query('commit')
    expect(await deleting).toMatchObject({ deleted: true, used: 0 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an overrun that waits for a downgrade in flight is charged by the plan after it', async () => {
    const reservation = { accountId: 'overrun', requestId: 'R' }
    await subscribe('overrun', 'starter')
    await checkAndIncrementUsage(db, { accountId: 'overrun', metric: 'messages', amount: 200 })
    await reserveUsage(db, { ...reservation, metric: 'messages', amount: 10 })
    await falling('overrun')
    const settling = settleUsage(db, { ...reservation, amount: 30 })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await settling).toMatchObject({ used: 210, quota: 100, plan: 'free' })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an undone downgrade waits for a level that is decided in flight', async () => {
    await subscribe('undone', 'growth', { processor: 'paddle', priceIds: ['pri_growth_monthly'] })
    await checkAndIncrementUsage(db, { accountId: 'undone', metric: 'seats' })
    expect(await beginPlanChange(db, { accountId: 'undone', plan: 'starter', interval: 'month' })).toMatchObject([{ outcome: 'scheduled' }])
    await inFlight.query(`select * from api.check_and_increment_usage('undone', 'seats')`)
    const undoing = beginPlanChangeUndo(db, { accountId: 'undone' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await undoing).toMatchObject({ outcome: 'undone' })
    expect(await usedOf('undone', 'seats')).toBe(2)
  })

  test('a kept change whose account is being undone is not told to its processor', async () => {
    const near = { processor: 'paddle', priceIds: ['pri_growth_monthly'], periodEnds: ['2026-11-10T03:00:00Z'] }
    await subscribe('kept', 'growth', near)
    expect(await beginPlanChange(db, { accountId: 'kept', plan: 'starter', interval: 'month' })).toMatchObject([{ outcome: 'scheduled' }])
    await inFlight.query(`select * from api.begin_plan_change_undo('kept')`)
    expect(await queueDueChanges(db, { limit: 100 })).toEqual([])
    await inFlight.query('commit')
    expect(await queueDueChanges(db, { limit: 100 })).toEqual([])
  })

  test('a choice of chatbots waits for another one in flight, and is in force whole', async () => {
    await subscribe('chooser', 'growth')
    const made = await Promise.all(['A', 'B', 'C', 'D'].map((name) => createChatbot(db, { accountId: 'chooser', name })))
    const [first = '', second = '', third = '', fourth = ''] = made.map(({ chatbotId }) => chatbotId ?? '')
    await inFlight.query(`select * from api.keep_chatbots('chooser', $1)`, [[first, second]])
    const choosing = keepChatbots(db, { accountId: 'chooser', chatbotIds: [third, fourth] })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await choosing).toMatchObject({ outcome: 'kept', kept: 2 })
    const { rows } = await owner.query<{ id: string }>(`select id from app.chatbots where account_id = 'chooser' and kept_at is not null`)
    expect(rows.map(({ id }) => id).toSorted()).toEqual([third, fourth].toSorted())
  })

  test('two events of one account take effect one after the other, whatever subscription they are of', async () => {
    await subscribe('two_ends', 'growth', { subscriptionId: 'sub_large' })
    await subscribe('two_ends', 'starter', { subscriptionId: 'sub_small' })
    // The end of the one that is not in force changes nothing of the account, whose own row is not waited for then.
    await inFlight.query(
      `select * from api.record_billing_event('two_ends', 'stripe', 'evt_small_ends', 't', 'state', '2026-11-09T00:00:00Z', 3, null, 'sub_small',
         'canceled', null, null, null, null, null, null, null, '{}')`
    )
    const end = subscribe('two_ends', 'growth', { subscriptionId: 'sub_large', status: 'canceled' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await end).toMatchObject({ outcome: 'processed' })
    const { rows } = await owner.query(`select plan from app.accounts where account_id = 'two_ends'`)
    expect(rows).toEqual([{ plan: 'free' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a deadlock of an event is raised, to be repeated, and not noted as its failure', async () => {
    await subscribe('deadlocked', 'starter')
    await checkAndIncrementUsage(db, { accountId: 'deadlocked', metric: 'messages' })
    // The other side is the more patient one, so that the event is what Postgres ends.
    await inFlight.query(`set local deadlock_timeout = '1min'; select from app.counters where account_id = 'deadlocked' for update`)
    const upgrading = await database.connect()
    await upgrading.query(`set deadlock_timeout = '100ms'`)
    const upgrade = upgrading
      .query(
        `select * from api.record_billing_event('deadlocked', 'stripe', 'evt_deadlock', 't', 'state', '2026-11-09T00:00:00Z', 2, null,
           'sub_deadlocked', 'active', null, array['price_growth_monthly'], array[$1::timestamptz], array[$2::timestamptz], null, null, null, '{}')`,
        [START, END]
      )
      .then(({ rows }) => rows, (error: unknown) => error)
    await untilBlocked(owner)
    await inFlight.query(`select from app.accounts where account_id = 'deadlocked' for update`)
    expect(await upgrade).toMatchObject({ code: '40P01' })
    const { rows } = await owner.query(`select from app.webhook_events where id = 'evt_deadlock'`)
    expect(rows).toEqual([])
  })

  test('two first visits of one identity with different tokens are one visit', async () => {
    const { chatbotId } = await createChatbot(db, { accountId: 'visited', name: 'Bot' })
    await owner.query(`select * from api.ensure_widget('visited', $1, 'wgt_visited1', 'a secret of sixteen')`, [chatbotId])
    const first = await inFlight.query<{ visitor_id: string }>(`select * from api.open_visit('visited', $1, $2, null, 'customer 7')`, [
      chatbotId,
      'a'.repeat(64)
    ])
    const token = { tokenSha256: 'b'.repeat(64), earlierTokenSha256: null }
    const visiting = openVisit(db, { accountId: 'visited', chatbotId: chatbotId ?? '', ...token, externalId: 'customer 7' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await visiting).toMatchObject({ visitorId: first.rows[0]?.visitor_id, tokenSha256: 'b'.repeat(64) })
  })

  test('a delivery that is being claimed is passed over', async () => {
    for (const id of ['one', 'two']) await subscribe(`claimed_${id}`, 'nobody_knows', { eventId: `evt_claimed_${id}` })
    await owner.query(`update app.webhook_events set next_attempt_at = app.clock() - interval '1 minute' where status = 'failed'`)
    const { rows } = await inFlight.query<{ id: string }>('select id from api.claim_webhook_events(1)')
    const claimed = await claimWebhookEvents(db, { limit: 1 })
    expect([...rows, ...claimed].map(({ id }) => id).toSorted()).toEqual(['evt_claimed_one', 'evt_claimed_two'])
  })

  test('an operation that is being claimed is passed over', async () => {
    const accounts = ['claims_one', 'claims_two']
    for (const accountId of accounts) {
      await subscribe(accountId, 'starter')
      expect(await beginPlanChange(db, { accountId, plan: 'growth', interval: 'month' })).toMatchObject([{ outcome: 'started' }])
    }
    await owner.query(`update app.processor_operations set next_attempt_at = app.clock() - interval '1 minute' where account_id like 'claims_%'`)
    const { rows } = await inFlight.query<{ account_id: string }>('select account_id from api.claim_operations(1)')
    const claimed = await claimOperations(db, { limit: 1 })
    expect([...rows.map((row) => row.account_id), ...claimed.map((row) => row.accountId)].toSorted()).toEqual(accounts)
  })
})
