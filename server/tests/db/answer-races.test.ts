import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { type AnswerBeginning, beginAnswer } from '../../src/db/functions/begin-answer.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { createConversation } from '../../src/db/functions/create-conversation.ts'
import { finishAnswer } from '../../src/db/functions/finish-answer.ts'
import { readChatbot } from '../../src/db/functions/read-chatbot.ts'
import { releaseExpiredReservations } from '../../src/db/functions/release-expired-reservations.ts'
import { updateChatbot } from '../../src/db/functions/update-chatbot.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

const FAILED = { status: 'failed' as const, content: '', citations: [], inputTokens: 0, outputTokens: 0 }

type Talk = { accountId: string; chatbotId: string; conversationId: string }

async function talkOf(db: Database, accountId: string, monthlyMessageCap: number | null = null): Promise<Talk> {
  const { chatbotId } = await createChatbot(db, { accountId, name: 'Bot', monthlyMessageCap })
  if (chatbotId === null) throw new Error('no chatbot was made')
  const created = await createConversation(db, { accountId, chatbotId })
  if (created === null) throw new Error('no conversation was made')
  return { accountId, chatbotId, conversationId: created.conversationId }
}

/** BEGIN is begin_answer as a session of its own calls it: its locks last until that session commits. */
const BEGIN = `select outcome, metric from api.begin_answer($1, $2, $3, 'Hello?', 100, p_replaces => $4)`
const begin = (client: Client, { accountId, chatbotId, conversationId }: Talk, replaces: string | null = null): Promise<{ rows: unknown[] }> =>
  client.query(BEGIN, [accountId, chatbotId, conversationId, replaces])

describe.each(transports)('answers racing each other, over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client
  let inFlight: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database, 20)
    inFlight = await database.connect()
  })

  beforeEach(async () => {
    await inFlight.query('rollback; begin')
  })

  const ask = (talk: Talk, replaces: string | null = null): Promise<AnswerBeginning> =>
    beginAnswer(db, { ...talk, content: 'Hello?', tokenEstimate: 100, channel: 'playground', replaces })

  /** answered is a conversation whose last answer, of that id, is complete. */
  async function answered(accountId: string): Promise<{ talk: Talk; messageId: string }> {
    const talk = await talkOf(db, accountId)
    const messageId = (await ask(talk)).messageId ?? ''
    await finishAnswer(db, { accountId, messageId, status: 'complete', content: 'Yes.', citations: [], inputTokens: 5, outputTokens: 5 })
    return { talk, messageId }
  }

  const countOf = async ({ accountId, chatbotId }: Talk): Promise<number | undefined> =>
    (await readChatbot(db, { accountId, chatbotId }))?.messagesThisWindow

  test('ten parallel questions at 4 of a cap of 5: exactly one is answered', async () => {
    const talk = await talkOf(db, 'ten', 5)
    for (let given = 0; given < 4; given += 1) expect((await ask(talk)).outcome).toBe('started')
    const beginnings = await Promise.all(Array.from({ length: 10 }, () => ask(talk)))
    expect(beginnings.filter(({ outcome }) => outcome === 'started')).toHaveLength(1)
    const refused = beginnings.filter(({ outcome }) => outcome === 'refused')
    expect(refused).toHaveLength(9)
    for (const refusal of refused) expect(refusal).toMatchObject({ metric: 'chatbot_messages', used: 5, quota: 5, remaining: 0 })
    expect(await countOf(talk)).toBe(5)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('ten parallel first questions under a cap of 3, in ten conversations: exactly three are answered', async () => {
    const first = await talkOf(db, 'first_use', 3)
    const { accountId, chatbotId } = first
    const talks = await Promise.all(Array.from({ length: 10 }, () => createConversation(db, { accountId, chatbotId })))
    const beginnings = await Promise.all(talks.map((talk) => ask({ ...first, conversationId: talk?.conversationId ?? '' })))
    expect(beginnings.filter(({ outcome }) => outcome === 'started')).toHaveLength(3)
    expect(await countOf(first)).toBe(3)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test.each(['commit', 'rollback'])('the last answer of a cap waits for the one in flight, and decides by its %s', async (end) => {
    const talk = await talkOf(db, `waits_${end}`, 1)
    await begin(inFlight, talk)
    const asking = ask(talk)
    await untilBlocked(owner)
    await inFlight.query(end)
    expect((await asking).outcome).toBe(end === 'commit' ? 'refused' : 'started')
    expect(await countOf(talk)).toBe(1)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an answer asked for while another fails is decided when that is told, and has its place', async () => {
    const talk = await talkOf(db, 'failing', 1)
    const { messageId } = await ask(talk)
    await inFlight.query(`select * from api.finish_answer('failing', $1, 'failed', '')`, [messageId])
    const asking = ask(talk)
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect((await asking).outcome).toBe('started')
    expect(await countOf(talk)).toBe(1)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('a cap lowered while an answer is begun refuses the next one, and takes nothing from that one', async () => {
    const talk = await talkOf(db, 'lowered', 5)
    await ask(talk)
    await begin(inFlight, talk)
    expect(await updateChatbot(db, { accountId: 'lowered', chatbotId: talk.chatbotId, monthlyMessageCap: 1 })).toMatchObject({ monthlyMessageCap: 1 })
    await inFlight.query('commit')
    expect(await ask(talk)).toMatchObject({ outcome: 'refused', metric: 'chatbot_messages', used: 2, quota: 1, remaining: 0 })
    expect(await countOf(talk)).toBe(2)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an answer that is failed by its process and by the sweeper at once is taken off the count once', async () => {
    const talk = await talkOf(db, 'twice')
    await ask(talk)
    const { messageId } = await beginAnswer(db, { ...talk, content: 'Lost?', tokenEstimate: 100, expiresInSeconds: 1 })
    await owner.query(`update app.environment set clock_offset = clock_offset + interval '2 seconds'`)
    expect(await countOf(talk)).toBe(2)
    await inFlight.query('select from api.release_expired_reservations()')
    const finishing = finishAnswer(db, { accountId: 'twice', messageId: messageId ?? '', ...FAILED })
    await untilBlocked(owner)
    await inFlight.query('commit')
    expect(await finishing).toMatchObject({ status: 'failed' })
    await releaseExpiredReservations(db)
    expect(await countOf(talk)).toBe(1)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('of ten who want one answer anew one gets it, the others are told why not, and one answer is charged', async () => {
    const { talk, messageId } = await answered('anew')
    const beginnings = await Promise.allSettled(Array.from({ length: 10 }, () => ask(talk, messageId)))
    const started = beginnings.filter(({ status }) => status === 'fulfilled')
    expect(started).toMatchObject([{ value: { outcome: 'started' } }])
    const refused = beginnings.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(9)
    for (const refusal of refused) {
      expect(refusal).toMatchObject({ reason: { sqlstate: 'PY004', message: expect.stringContaining('only the last answer') } })
    }
    const { rows } = await owner.query(`select role, count(*)::int as n from app.messages where account_id = 'anew' group by role order by role`)
    expect(rows).toEqual([{ role: 'assistant', n: 2 }, { role: 'user', n: 1 }])
    expect(await countOf(talk)).toBe(2)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an answer wanted anew while the next question is in flight waits for it, and is refused', async () => {
    const { talk, messageId } = await answered('followed')
    await begin(inFlight, talk)
    const anew = expect(ask(talk, messageId)).rejects.toMatchObject({ sqlstate: 'PY004' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await anew
    expect(await countOf(talk)).toBe(2)
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('an answer and the failed one that was to replace it, both wanted anew at once: one gets it', async () => {
    const { talk, messageId } = await answered('chain')
    const failed = (await ask(talk, messageId)).messageId ?? ''
    await finishAnswer(db, { accountId: 'chain', messageId: failed, ...FAILED })
    await begin(inFlight, talk, messageId)
    const other = expect(ask(talk, failed)).rejects.toMatchObject({ sqlstate: 'PY004' })
    await untilBlocked(owner)
    await inFlight.query('commit')
    await other
    expect(await brokenInvariants(owner)).toEqual([])
  })
})

// A deadlock would be repeated by the server's own retries: these call as sessions of their own, which see it.
describe('a chatbot that is deleted', () => {
  let database: TestDatabase
  let db: Database
  let owner: Client
  let one: Client
  let other: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase('pg', database)
    one = await database.connect()
    other = await database.connect()
  })

  const remove = (client: Client, { accountId, chatbotId }: Talk): Promise<{ rows: unknown[] }> =>
    client.query('select deleted from api.delete_chatbot($1, $2)', [accountId, chatbotId])
  const fail = (client: Client, { accountId }: Talk): Promise<{ rows: unknown[] }> =>
    client.query(
      `select f.status from app.usage_reservations r cross join lateral api.finish_answer($1, r.message_id, 'failed', '') f
       where r.account_id = $1 and r.metric = 'messages'`,
      [accountId]
    )

  test('waits for the first answer in flight, which waits for nothing of it', async () => {
    const talk = await talkOf(db, 'first')
    await one.query('begin')
    expect((await begin(one, talk)).rows).toMatchObject([{ outcome: 'started' }])
    const deleting = remove(other, talk)
    await untilBlocked(owner)
    await one.query('commit')
    expect((await deleting).rows).toEqual([{ deleted: true }])
    expect((await fail(one, talk)).rows).toEqual([{ status: 'failed' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('waits for the first answer that itself waits for a counter: neither holds what the other needs', async () => {
    const talk = await talkOf(db, 'counter')
    await owner.query(`select api.check_and_increment_usage('counter', 'messages')`)
    const holder = await database.connect()
    await holder.query(`begin; select from app.counters where account_id = 'counter' and metric = 'messages' for update`)
    const asking = begin(one, talk)
    await untilBlocked(owner)
    const deleting = remove(other, talk)
    await untilBlocked(owner, 2)
    await holder.query('commit')
    expect((await asking).rows).toMatchObject([{ outcome: 'started' }])
    expect((await deleting).rows).toEqual([{ deleted: true }])
    expect((await fail(one, talk)).rows).toEqual([{ status: 'failed' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('in the midst of an answer is waited for, and then not found', async () => {
    const talk = await talkOf(db, 'gone')
    await one.query('begin')
    await remove(one, talk)
    const asking = begin(other, talk)
    await untilBlocked(owner)
    await one.query('commit')
    expect((await asking).rows).toMatchObject([{ outcome: 'not_found' }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test.each(['the end', 'the deletion'])('while an answer ends lets both be done, %s first', async (first) => {
    const talk = await talkOf(db, `ending_${first}`)
    await begin(owner, talk)
    const steps = [fail, remove]
    const [before, after] = first === 'the end' ? steps : steps.toReversed()
    await one.query('begin')
    await before?.(one, talk)
    const second = after?.(other, talk)
    await untilBlocked(owner)
    await one.query('commit')
    expect((await second)?.rows).toHaveLength(1)
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
