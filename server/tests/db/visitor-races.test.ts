import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import type { Database } from '../../src/db/database.ts'
import { beginVisitorAnswer } from '../../src/db/functions/begin-visitor-answer.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { deleteChatbot } from '../../src/db/functions/delete-chatbot.ts'
import { ensureWidget } from '../../src/db/functions/ensure-widget.ts'
import { openVisit } from '../../src/db/functions/open-visit.ts'
import { updateWidget } from '../../src/db/functions/update-widget.ts'
import { createTestDatabase, openDatabase, type TestDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { untilBlocked } from '../support/steps.ts'

const SECRET = 'secret_of_the_races'

describe.each(transports)('visitors who race over %s', (transport) => {
  let database: TestDatabase
  let db: Database
  let owner: Client

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = await database.connect()
    db = await openDatabase(transport, database, 30)
  })

  const race = <Result>(callers: number, call: (caller: number) => Promise<Result>): Promise<Result[]> =>
    Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))

  const digest = (seed: number): string => seed.toString(16).padStart(64, '0')

  async function startSite(accountId: string, messagesPerVisitorPerHour: number): Promise<string> {
    const { chatbotId } = await createChatbot(db, { accountId, name: 'Helper' })
    if (chatbotId === null) throw new Error('The chatbot was not made.')
    await ensureWidget(db, { accountId, chatbotId, widgetKey: `wgt_${accountId}`, identitySecret: SECRET })
    await updateWidget(db, { accountId, chatbotId, enabled: true, messagesPerVisitorPerHour })
    return chatbotId
  }

  async function open(accountId: string, chatbotId: string, seed: number, externalId: string | null = null) {
    const visit = await openVisit(db, { accountId, chatbotId, tokenSha256: digest(seed), earlierTokenSha256: null, externalId })
    if (visit === null) throw new Error('There is no such widget.')
    return visit
  }

  const ask = (accountId: string, chatbotId: string, visitorId: string, requestId: string | null = null) =>
    beginVisitorAnswer(db, { accountId, chatbotId, visitorId, content: 'Hello?', tokenEstimate: 10, requestId })

  test('20 messages of one visitor at a limit of 5, the first of the visit: exactly 5 are answered, in one conversation', async () => {
    const chatbotId = await startSite('account_limit', 5)
    const { visitorId } = await open('account_limit', chatbotId, 1)
    const outcomes = await race(20, () => ask('account_limit', chatbotId, visitorId))
    expect(outcomes.filter(({ outcome }) => outcome === 'started')).toHaveLength(5)
    expect(outcomes.filter(({ outcome }) => outcome === 'too_many')).toHaveLength(15)
    const { rows } = await owner.query(
      `select (select count(*)::int from app.conversations where account_id = 'account_limit') as conversations,
              (select count(*)::int from app.messages where account_id = 'account_limit' and role = 'user') as questions,
              (select used::int from app.counters where account_id = 'account_limit' and metric = 'messages') as used`
    )
    expect(rows).toEqual([{ conversations: 1, questions: 5, used: 5 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('20 repeats of one request count once, however they race', async () => {
    const chatbotId = await startSite('account_repeat', 1)
    const { visitorId } = await open('account_repeat', chatbotId, 1)
    const outcomes = await race(20, () => ask('account_repeat', chatbotId, visitorId, 'same'))
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([...Array<string>(19).fill('running'), 'started'])
  })

  test('one message left in the plan and 10 visitors: one is answered, and no conversation of the others is left', async () => {
    const chatbotId = await startSite('account_last', 5)
    await owner.query(`select api.check_and_increment_usage('account_last', 'messages', 99)`)
    const visits = await race(10, (caller) => open('account_last', chatbotId, caller))
    const outcomes = await Promise.all(visits.map(({ visitorId }) => ask('account_last', chatbotId, visitorId)))
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([...Array<string>(9).fill('refused'), 'started'])
    const { rows } = await owner.query(`select count(*)::int as conversations from app.conversations where account_id = 'account_last'`)
    expect(rows).toEqual([{ conversations: 1 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  test('20 first visits of one identity are one visit', async () => {
    const chatbotId = await startSite('account_identity', 5)
    const visits = await race(20, (caller) => open('account_identity', chatbotId, caller, 'customer_7'))
    expect(new Set(visits.map(({ conversationId }) => conversationId)).size).toBe(1)
    const { rows } = await owner.query(`select count(*)::int as visitors from app.visitors where account_id = 'account_identity'`)
    expect(rows).toEqual([{ visitors: 1 }])
  })

  test('20 first readers of the settings find the same key', async () => {
    const { chatbotId } = await createChatbot(db, { accountId: 'account_key', name: 'Helper' })
    const widgets = await race(20, (caller) =>
      ensureWidget(db, { accountId: 'account_key', chatbotId: chatbotId ?? '', widgetKey: `wgt_caller_${caller}`, identitySecret: SECRET })
    )
    expect(new Set(widgets.map((widget) => widget?.widgetKey)).size).toBe(1)
    const { rows } = await owner.query(`select widget_key from app.widget_keys where account_id = 'account_key'`)
    expect(rows).toEqual([{ widget_key: widgets[0]?.widgetKey }])
  })

  test('a chatbot deleted while 20 visitors come and ask leaves nothing of them', async () => {
    const chatbotId = await startSite('account_gone', 5)
    const visits = await race(10, (caller) => open('account_gone', chatbotId, caller))
    await Promise.all([
      ...visits.map(({ visitorId }) => ask('account_gone', chatbotId, visitorId)),
      ...visits.map((_, index) => open('account_gone', chatbotId, index + 100, `customer_${index}`).catch(() => null)),
      deleteChatbot(db, { accountId: 'account_gone', chatbotId })
    ])
    const { rows } = await owner.query(
      `select (select count(*)::int from app.visitors where account_id = 'account_gone') as visitors,
              (select count(*)::int from app.widgets where account_id = 'account_gone') as widgets,
              (select count(*)::int from app.conversations where account_id = 'account_gone') as conversations`
    )
    expect(rows).toEqual([{ visitors: 0, widgets: 0, conversations: 0 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })

  // A deadlock would be repeated by the server's own retries: these call as sessions of their own, which see it.
  test.each([
    ['a question', `select outcome as told from api.begin_visitor_answer('account_order', $1, $2, 'Hello?', 10)`, 'started'],
    ['a visit', `select 'opened' as told from api.open_visit('account_order', $1, repeat('e', 64), null, 'customer_of_' || $2::text)`, 'opened']
  ])('%s in the midst of which its chatbot is deleted is waited for, not locked out in a circle', async (_, statement, told) => {
    const chatbotId = await startSite('account_order', 5)
    const { visitorId } = await open('account_order', chatbotId, 1)
    const [holder, visitor, deleter] = [await database.connect(), await database.connect(), await database.connect()]
    await holder.query('begin')
    await holder.query(`select from app.visitors where account_id = 'account_order' and id = $1 for update`, [visitorId])
    await holder.query(`select from app.widgets where account_id = 'account_order' and chatbot_id = $1 for update`, [chatbotId])
    const asking = visitor.query(statement, [chatbotId, visitorId])
    await untilBlocked(owner)
    const deleting = deleter.query(`select deleted from api.delete_chatbot('account_order', $1)`, [chatbotId])
    await untilBlocked(owner, 2)
    await holder.query('commit')
    expect((await asking).rows).toEqual([{ told }])
    expect((await deleting).rows).toEqual([{ deleted: true }])
  })
})
