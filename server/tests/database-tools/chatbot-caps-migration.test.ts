import { expect, test } from '@jest/globals'
import { applyMigrations, applyRollback } from '../../../scripts/database/apply.ts'
import { withClient } from '../../../scripts/database/with-client.ts'
import { createTestDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'

const BEFORE = '20261121000000'
const CAPS = '20261121100000'

test('the migration to caps counts what was answered before it, a running answer too, and its rollback leaves a database that answers', async () => {
  const database = await createTestDatabase('template0')
  await withClient(database.url, async (client) => {
    const counts = async (): Promise<unknown[]> => {
      const { rows } = await client.query(
        `select b.name, a.used::int, a.window_start = c.window_start as in_window from app.chatbot_answers a
         join app.chatbots b on b.id = a.chatbot_id
         join app.counters c on c.account_id = a.account_id and c.metric = 'messages' order by b.name`
      )
      return rows
    }
    const ask = async (bot: string): Promise<string> => {
      const { rows } = await client.query<{ message_id: string }>(
        `select a.message_id from app.chatbots b cross join lateral api.create_conversation('user_1', b.id) c
         cross join lateral api.begin_answer('user_1', b.id, c.conversation_id, 'Hello?', 100) a where b.name = $1`,
        [bot]
      )
      return rows[0]?.message_id ?? ''
    }
    const end = (messageId: string, status: string): Promise<unknown> =>
      client.query(`select * from api.finish_answer('user_1', $1, $2, 'Yes.', '[]', 5, 5)`, [messageId, status])

    await applyMigrations(client, { through: BEFORE })
    await client.query(`update app.plan_quotas set quota = null where plan = 'free' and metric = 'chatbots'`)
    for (const name of ['asked', 'deleted', 'unasked']) await client.query(`select * from api.create_chatbot('user_1', $1)`, [name])
    await end(await ask('asked'), 'complete')
    await end(await ask('asked'), 'failed')
    await end(await ask('deleted'), 'complete')
    const running = await ask('asked')
    await client.query(`delete from app.chatbots where name = 'deleted'`)

    await applyMigrations(client, { through: CAPS })
    expect(await counts()).toEqual([{ name: 'asked', used: 2, in_window: true }])
    expect(await brokenInvariants(client)).toEqual([])
    await end(running, 'failed')
    expect(await counts()).toEqual([{ name: 'asked', used: 1, in_window: true }])

    await applyRollback(client, CAPS)
    await end(await ask('asked'), 'complete')
    await applyMigrations(client, { through: CAPS })
    expect(await counts()).toEqual([{ name: 'asked', used: 2, in_window: true }])
    expect(await brokenInvariants(client)).toEqual([])
  })
}, 60_000)
