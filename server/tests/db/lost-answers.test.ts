import { describe, expect, test } from '@jest/globals'
import { type Arguments, type Database, DatabaseUnavailable } from '../../src/db/database.ts'
import { beginAnswer } from '../../src/db/functions/begin-answer.ts'
import { createChatbot } from '../../src/db/functions/create-chatbot.ts'
import { createConversation } from '../../src/db/functions/create-conversation.ts'
import { withRetries } from '../../src/db/retry.ts'
import { createTestDatabase, openDatabase, transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

describe.each(transports)('an answer that was begun, over %s', (transport) => {
  test('and whose connection was lost after the commit is begun once, charged once, and told to have started', async () => {
    const database = await createTestDatabase()
    const owner = await database.connect()
    const db = await openDatabase(transport, database)
    const { chatbotId } = await createChatbot(db, { accountId: 'user_1', name: 'Bot' })
    const conversation = await createConversation(db, { accountId: 'user_1', chatbotId: chatbotId ?? '' })
    let lost = 0
    /** losing is the same database behind a line that breaks once, after the work is done. */
    const losing: Database = {
      rpc: (name: string, args: Arguments) =>
        withRetries(name, args, async () => {
          const rows = await db.rpc(name, args)
          lost += 1
          if (lost === 1) throw new DatabaseUnavailable('the line broke')
          return rows
        }),
      close: () => Promise.resolve()
    }
    const messageId = '00000000-0000-4000-8000-000000000001'
    const begun = await beginAnswer(losing, {
      accountId: 'user_1', chatbotId: chatbotId ?? '', conversationId: conversation?.conversationId ?? '',
      content: 'Are refunds possible?', tokenEstimate: 100, requestId: 'key', messageId
    })
    expect(begun).toMatchObject({ outcome: 'started', messageId, used: 1 })
    expect(lost).toBe(2)
    const { rows } = await owner.query(`select count(*)::int as messages from app.messages`)
    expect(rows).toEqual([{ messages: 2 }])
    expect(await brokenInvariants(owner)).toEqual([])
  })
})
