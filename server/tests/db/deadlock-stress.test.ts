import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { type Database, DatabaseError } from '../../src/db/database.ts'
import { beginAnswer } from '../../src/db/functions/begin-answer.ts'
import { checkAndIncrementUsage } from '../../src/db/functions/check-and-increment-usage.ts'
import { checkAndIncrementUsageMany } from '../../src/db/functions/check-and-increment-usage-many.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { createConversation } from '../../src/db/functions/create-conversation.ts'
import { createDocument } from '../../src/db/functions/create-document.ts'
import { decrementUsage } from '../../src/db/functions/decrement-usage.ts'
import { deleteChatbot } from '../../src/db/functions/delete-chatbot.ts'
import { finishAnswer } from '../../src/db/functions/finish-answer.ts'
import { recordBillingEvent } from '../../src/db/functions/record-billing-event.ts'
import { releaseExpiredReservations } from '../../src/db/functions/release-expired-reservations.ts'
import { billingEvent, on } from '../support/billing-events.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

const ACCOUNTS = ['stressed_a', 'stressed_b', 'stressed_c']
const METRICS = ['messages', 'llm_tokens', 'api_calls', 'seats']

/** random is a seeded stream of whole numbers below `below` (mulberry32), the same on every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

describe.each(transports)('over %s', (transport) => {
  let db: Database
  let owner: Client

  beforeAll(async () => {
    const database = await createTestDatabase()
    owner = await database.connect()
    await owner.query(`update app.environment set clock_offset = '2026-11-20T00:00:00Z' - now()`)
    db = await openDatabase(transport, database, 40)
  })

  /** tell is one of a handful of events of an account: plan, period and status change with the number. */
  function tell(accountId: string, number: number): Promise<unknown> {
    const [start, end] = number % 2 === 0 ? ['2026-10-15T00:00:00Z', '2026-11-15T00:00:00Z'] : ['2026-11-15T00:00:00Z', '2026-12-15T00:00:00Z']
    return recordBillingEvent(
      db,
      billingEvent({
        accountId,
        eventId: `evt_${accountId}_${number}`,
        occurredAt: new Date(Date.UTC(2026, 10, 1, 0, number)).toISOString(),
        status: number % 5 === 0 ? 'past_due' : 'active',
        subscriptionId: `sub_${accountId}_${number % 2}`,
        customerId: `cus_${accountId}`,
        ...on(['starter', 'growth', 'enterprise'][number % 3] ?? 'starter', start ?? '', end ?? '')
      })
    )
  }

  /** converse makes a chatbot with a document, has it answer once, and deletes it, whether or not the answer has ended. */
  async function converse(accountId: string, number: number): Promise<void> {
    const { chatbotId } = await createChatbot(db, { accountId, name: `bot ${number}` })
    if (chatbotId === null) return
    const content = { name: 'notes', mediaType: 'text/plain', sizeBytes: 10, sha256: 'a'.repeat(64), passages: ['ten bytes.'] }
    const [conversation] = await Promise.all([
      createConversation(db, { accountId, chatbotId }),
      createDocument(db, { accountId, chatbotId, ...content })
    ])
    if (conversation === null) return
    const about = { accountId, chatbotId, conversationId: conversation.conversationId }
    const { messageId } = await beginAnswer(db, { ...about, content: 'Hello?', tokenEstimate: 50, channel: 'api', expiresInSeconds: 1 })
    const end = { accountId, status: 'complete' as const, content: 'Hello.', citations: [], inputTokens: 5, outputTokens: 5 }
    const remove = deleteChatbot(db, { accountId, chatbotId })
    if (messageId !== null) await finishAnswer(db, { ...end, messageId })
    await remove
  }

  test('batches, answers, creates, deletes, events and the sweeper, all at once on three accounts: everybody locks in one order, nothing deadlocks', async () => {
    const draw = random(20261121)
    const account = (): string => ACCOUNTS[draw(ACCOUNTS.length)] ?? ''
    const metric = (): string => METRICS[draw(METRICS.length)] ?? ''
    const batch = (): Promise<unknown> => {
      const entries = Array.from({ length: 12 }, () => ({ account: account(), metric: metric(), amount: 1 + draw(3) }))
      return checkAndIncrementUsageMany(db, {
        accountIds: entries.map((entry) => entry.account),
        metrics: entries.map((entry) => entry.metric),
        amounts: entries.map((entry) => entry.amount)
      })
    }
    // One after the other: a connection has one statement at a time.
    let clock: Promise<unknown> = Promise.resolve()
    const moveClock = (): Promise<unknown> => {
      clock = clock.then(() => owner.query(`update app.environment set clock_offset = clock_offset + interval '2 seconds'`))
      return clock
    }
    const callers: ((number: number) => Promise<unknown>)[] = [
      batch,
      batch,
      (number) => converse(account(), number),
      (number) => converse(account(), number),
      (number) => tell(account(), number),
      () => checkAndIncrementUsage(db, { accountId: account(), metric: metric(), amount: 1 + draw(5) }),
      () => decrementUsage(db, { accountId: account(), metric: metric() }),
      moveClock,
      () => releaseExpiredReservations(db, { limit: 5 })
    ]
    // 24 sessions' worth at a time: more would only wait for a connection.
    const failures: unknown[] = []
    const caller = async (_: unknown, first: number): Promise<void> => {
      for (let number = first; number < 720; number += 24) {
        await (callers[draw(callers.length)] ?? batch)(number).catch((failure: unknown) => failures.push(failure))
      }
    }
    await Promise.all(Array.from({ length: 24 }, caller))
    // A plan that fell makes chatbots read-only: an answer, not a fault.
    const faults = failures.filter((failure) => !(failure instanceof DatabaseError && failure.sqlstate === 'PY414'))
    expect(faults.map((failure) => (failure instanceof DatabaseError ? `${failure.sqlstate} ${failure.message}` : String(failure)))).toEqual([])
    // Also none that was resolved by a repetition: it stops everybody of an account for a second (deadlock_timeout).
    await owner.query('select pg_stat_force_next_flush()')
    const { rows } = await owner.query(`select deadlocks::integer from pg_stat_database where datname = current_database()`)
    expect(rows).toEqual([{ deadlocks: 0 }])
    expect(await brokenInvariants(owner)).toEqual([])
  }, 60_000)
})
