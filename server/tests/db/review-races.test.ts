import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { beginAnswer } from '../../src/db/functions/begin-answer.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { claimWebhookEvents } from '../../src/db/functions/claim-webhook-events.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { createConversation } from '../../src/db/functions/create-conversation.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { deleteConversation } from '../../src/db/functions/delete-conversation.ts'
import { finishAnswer } from '../../src/db/functions/finish-answer.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { releaseExpiredReservations } from '../../src/db/functions/release-expired-reservations.ts'
import { settleUsage } from '../../src/db/functions/settle-usage.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

/** usedOf is the counter of an account as it is stored; null = there is none. */
async function usedOf(owner: Client, accountId: string, metric: string): Promise<number | null> {
  const { rows } = await owner.query<{ used: string }>('select used from app.counters where account_id = $1 and metric = $2', [
    accountId,
    metric
  ])
  return rows[0] === undefined ? null : Number(rows[0].used)
}

type Answer = { accountId: string; messageId: string }

const EVENT = `select outcome, linked, last_error from api.record_billing_event($1, 'stripe', $2, 't', $3, '2026-11-01T00:00:00Z', 1, null, $4,
  null, case when $3 = 'payment' then 'paid' end, case when $3 = 'payment' then array['price_growth_monthly'] end,
  array['2026-11-01T00:00:00Z'::timestamptz], array['2026-12-01T00:00:00Z'::timestamptz], null, null, null, '{}')`

describe.each(transports)('two sessions at one thing, over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client
  let inFlight: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database)
    inFlight = await database.connect()
  })

  beforeEach(async () => {
    await inFlight.query('rollback; begin')
  })

  /** runningAnswer begins an answer over the API that expires after a second, and lets that second pass. */
  async function runningAnswer(accountId: string): Promise<{ answer: Answer; conversation: Parameters<typeof deleteConversation>[1] }> {
    const { chatbotId } = await createChatbot(db, { accountId, name: 'Bot' })
    if (chatbotId === null) throw new Error('no chatbot was made')
    const created = await createConversation(db, { accountId, chatbotId })
    if (created === null) throw new Error('no conversation was made')
    const conversation = { accountId, chatbotId, conversationId: created.conversationId }
    const { messageId } = await beginAnswer(db, { ...conversation, content: 'Hello?', tokenEstimate: 500, channel: 'api', expiresInSeconds: 1 })
    if (messageId === null) throw new Error('no answer was begun')
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '2 seconds'`)
    return { answer: { accountId, messageId }, conversation }
  }

  const finish = (answer: Answer, status: 'complete' | 'stopped', outputTokens: number): ReturnType<typeof finishAnswer> =>
    finishAnswer(db, { ...answer, status, content: 'Answer', citations: [], inputTokens: 50, outputTokens })

  const finishInFlight = (answer: Answer): Promise<unknown> =>
    inFlight.query(`select * from api.finish_answer($1, $2, 'complete', 'Answer', '[]', 50, 50)`, [answer.accountId, answer.messageId])

  const link = (accountId: string, eventId: string, subscriptionId: string): ReturnType<typeof recordBillingEvent> =>
    recordBillingEvent(db, billingEvent({ accountId, eventId, occurredAt: '2026-11-01T00:00:00Z', kind: 'link', eventRank: 0, subscriptionId }))

  const payment = (eventId: string, subscriptionId: string): ReturnType<typeof recordBillingEvent> =>
    recordBillingEvent(
      db,
      billingEvent({
        eventId,
        subscriptionId,
        kind: 'payment',
        eventRank: 1,
        payment: 'paid',
        occurredAt: '2026-11-01T00:00:00Z',
        ...on('growth', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z')
      })
    )

  async function planOf(accountId: string): Promise<string | undefined> {
    const { rows } = await owner.query<{ plan: string }>('select plan from app.accounts where account_id = $1', [accountId])
    return rows[0]?.plan
  }

  test('a link waits for a payment that is failing for want of it, and wakes it', async () => {
    expect((await inFlight.query(EVENT, [null, 'evt_paid_1', 'payment', 'sub_1'])).rows).toMatchObject([{ outcome: 'failed' }])
    const linking = link('paid_first', 'evt_link_1', 'sub_1')
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await linking).toMatchObject({ outcome: 'processed', linked: true })
    expect((await claimWebhookEvents(db)).map((row) => row.id)).toEqual(['evt_paid_1'])
    expect(await payment('evt_paid_1', 'sub_1')).toMatchObject({ outcome: 'processed', accountId: 'paid_first' })
    expect(await planOf('paid_first')).toBe('growth')
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a payment waits for the link that is being made, and does not fail for want of it', async () => {
    expect((await inFlight.query(EVENT, ['linked_first', 'evt_link_2', 'link', 'sub_2'])).rows).toMatchObject([{ outcome: 'processed' }])
    const paying = payment('evt_paid_2', 'sub_2')
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await paying).toMatchObject({ outcome: 'processed', accountId: 'linked_first' })
    expect(await planOf('linked_first')).toBe('growth')
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back waits for the charge of its id in flight, and gives back what that took, not what others did', async () => {
    await checkAndIncrementUsage(db, { accountId: 'charged', metric: 'messages', amount: 60 })
    await inFlight.query(`select * from api.check_and_increment_usage('charged', 'messages', 1, 'R')`)
    const giving = decrementUsage(db, { accountId: 'charged', metric: 'messages', amount: 50, requestId: 'R' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await giving).toMatchObject({ used: 60, replayed: false })
    expect(await usedOf(owner, 'charged', 'messages')).toBe(60)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('so it does where that charge is the first use of the account', async () => {
    await inFlight.query(`select * from api.check_and_increment_usage('first_use', 'messages', 5, 'R')`)
    const giving = decrementUsage(db, { accountId: 'first_use', metric: 'messages', amount: 2, requestId: 'R' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await giving).toMatchObject({ used: 3 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a give-back waits for the reservation of its id in flight, and leaves it to be settled', async () => {
    await checkAndIncrementUsage(db, { accountId: 'reserved', metric: 'messages', amount: 60 })
    await inFlight.query(`select * from api.reserve_usage('reserved', 'messages', 30, 'R')`)
    const giving = expect(decrementUsage(db, { accountId: 'reserved', metric: 'messages', amount: 30, requestId: 'R' })).rejects.toMatchObject({
      sqlstate: 'PY409',
      message: 'request id R is a reservation: settle it instead'
    })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await giving
    expect(await settleUsage(db, { accountId: 'reserved', requestId: 'R', amount: 0 })).toMatchObject({ used: 60 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a charge waits for the give-back of its id in flight, and is refused: it could not be given back any more', async () => {
    await checkAndIncrementUsage(db, { accountId: 'given_first', metric: 'messages', amount: 60 })
    await inFlight.query(`select * from api.decrement_usage('given_first', 'messages', 30, 'R')`)
    const charging = expect(
      checkAndIncrementUsage(db, { accountId: 'given_first', metric: 'messages', amount: 30, requestId: 'R' })
    ).rejects.toMatchObject({ sqlstate: 'PY409' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await charging
    expect(await usedOf(owner, 'given_first', 'messages')).toBe(30)
    expect(await decrementUsage(db, { accountId: 'given_first', metric: 'messages', amount: 30, requestId: 'R' })).toMatchObject({ used: 30 })
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a charge waits for the reservation of its id in flight, and is not granted by it', async () => {
    await inFlight.query(`select * from api.reserve_usage('one_id', 'messages', 10, 'R')`)
    const charging = expect(
      checkAndIncrementUsage(db, { accountId: 'one_id', metric: 'messages', amount: 10, requestId: 'R' })
    ).rejects.toMatchObject({ sqlstate: 'PY409' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await charging
    expect(await usedOf(owner, 'one_id', 'messages')).toBe(10)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('of two ends of an answer whose conversation was deleted the first one counts, and both are told so', async () => {
    const { answer, conversation } = await runningAnswer('deleted')
    expect(await deleteConversation(db, conversation)).toEqual({ deleted: true })
    await finishInFlight(answer)
    const second = finish(answer, 'stopped', 5)
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await second).toMatchObject({ status: 'complete', chargedMessages: 1, chargedTokens: 100 })
    expect(await usedOf(owner, 'deleted', 'llm_tokens')).toBe(100)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test.each(['there', 'deleted'])('the sweeper passes over an answer that is being finished (its conversation is %s)', async (what) => {
    const { answer, conversation } = await runningAnswer(`finishing_${what}`)
    if (what === 'deleted') await deleteConversation(db, conversation)
    await finishInFlight(answer)
    expect(await releaseExpiredReservations(db)).toEqual([])
    await inFlight.query('commit')
    expect(await releaseExpiredReservations(db)).toEqual([])
    expect(await finish(answer, 'complete', 50)).toMatchObject({ status: 'complete', chargedMessages: 1, chargedTokens: 100 })
    expect(await usedOf(owner, answer.accountId, 'messages')).toBe(1)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test.each(['there', 'deleted'])('an end waits for the sweeper that has the answer, which stays failed and free (its conversation is %s)', async (what) => {
    const { answer, conversation } = await runningAnswer(`swept_${what}`)
    if (what === 'deleted') await deleteConversation(db, conversation)
    const { rows } = await inFlight.query<{ metric: string }>('select metric from api.release_expired_reservations()')
    expect(rows.map((row) => row.metric)).toEqual(['api_calls', 'llm_tokens', 'messages'])
    const finishing = finish(answer, 'complete', 50)
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await finishing).toMatchObject({ status: 'failed', chargedMessages: 0, chargedTokens: 0 })
    for (const metric of ['api_calls', 'llm_tokens', 'messages']) expect(await usedOf(owner, answer.accountId, metric)).toBe(0)
    expect(await brokenInvariants(owner)).toEqual([])
  })
})

// A deadlock would be repeated by the server's own retries: these call as sessions of their own, which see it.
describe('sessions that once waited for each other', () => {
  let database: TestDatabase
  let owner: Client
  let holder: Client
  let one: Client
  let other: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    holder = await database.connect()
    one = await database.connect()
    other = await database.connect()
  })

  test('a link and a second delivery of the event it wakes take effect one after the other', async () => {
    await owner.query(`select * from api.read_account('woken')`)
    expect((await owner.query(EVENT, [null, 'evt_paid', 'payment', 'sub'])).rows).toMatchObject([{ outcome: 'failed' }])
    await holder.query(`begin; select from app.accounts where account_id = 'woken' for update`)
    const linking = one.query(EVENT, ['woken', 'evt_link', 'link', 'sub'])
    await untilBlocked(owner)
    const again = other.query(EVENT, [null, 'evt_paid', 'payment', 'sub'])
    await untilBlocked(owner, 2)
    await holder.query('commit')
    expect((await linking).rows).toMatchObject([{ outcome: 'processed', linked: true }])
    expect((await again).rows).toMatchObject([{ outcome: 'processed' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('the sweeper and a new answer of the same account lock its counters in one order', async () => {
    await owner.query(`insert into app.chatbots (account_id, id, name) values ('swept', '00000000-0000-4000-8000-000000000001', 'Bot')`)
    await owner.query(`insert into app.conversations (account_id, id, chatbot_id, channel)
      values ('swept', '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'api')`)
    const ask = (client: Client, channel: string): Promise<{ rows: unknown[] }> =>
      client.query(
        `select outcome from api.begin_answer('swept', '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 'Hello?',
           100, null, $1, 1)`,
        [channel]
      )
    await ask(owner, 'widget')
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '1 second'`)
    await ask(owner, 'api')
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '10 seconds'`)
    await holder.query(`begin; select from app.counters where account_id = 'swept' and metric = 'messages' for update`)
    const sweeping = one.query('select metric from api.release_expired_reservations()')
    await untilBlocked(owner)
    const asking = ask(other, 'api')
    await untilBlocked(owner, 2)
    await holder.query('commit')
    expect((await sweeping).rows).toHaveLength(5)
    expect((await asking).rows).toEqual([{ outcome: 'started' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a plan and a metric added at once have a quota for each other', async () => {
    await one.query(`begin; insert into app.plans (plan, name, position) values ('team', 'Team', 9)`)
    const adding = other.query(`insert into app.metrics (metric, kind, position, title, unit, default_quota, over_quota_message)
      values ('widgets', 'counter', 9, 'Widgets', 'widget', 5, 'Please wait until %s widget(s) fit again')`)
    await untilBlocked(owner)
    await one.query('commit')
    await adding
    const { rows } = await owner.query(`select p.plan, m.metric from app.plans p cross join app.metrics m
      where not exists (select from app.plan_quotas q where (q.plan, q.metric) = (p.plan, m.metric))`)
    expect(rows).toEqual([])
  })
})
