import { beforeAll, expect, test } from '@jest/globals'
import { type Database, DatabaseError, DatabaseUnavailable } from '../../src/db/database.ts'
import { RunningAnswers } from '../../src/llm/running-answers.ts'
import { answerOf, ask, type Chat, JSON_ANSWER, listen, newestOf, openRoom, problemOf, readChunks, startChat, usedOf } from './chat.ts'

let chat: Chat

beforeAll(async () => {
  chat = await startChat()
  chat.openai.answerAll(['An answer.'], { prompt: 8, completion: 2 })
})

/** failing is an instance of the service whose calls of one function fail with each of these errors in turn, then work. */
function failing(name: string, errors: Error[]): Promise<string> {
  const { parts } = chat.server
  const db: Database = {
    rpc(called, args) {
      const error = called === name ? errors.shift() : undefined
      return error === undefined ? parts.db.rpc(called, args) : Promise.reject(error)
    },
    close: () => Promise.resolve()
  }
  return listen({ ...parts, db, answers: new RunningAnswers() })
}

test('an answer is stored and charged although the database was away for a moment when it ended', async () => {
  const here = await openRoom(chat, 'user_moment')
  const origin = await failing('finish_answer', [new DatabaseUnavailable('away'), new DatabaseUnavailable('away')])
  const { message } = await answerOf(await ask(chat, here, 'Hi', { origin, headers: JSON_ANSWER }))
  expect(message).toMatchObject({ status: 'complete', content: 'An answer.' })
  expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(10)
})

test('an answer that cannot be stored ends its stream with an error, and the sweeper gives back what was reserved', async () => {
  const here = await openRoom(chat, 'user_lost')
  const origin = await failing('finish_answer', [new DatabaseError({ sqlstate: 'XX000', message: 'broken' })])
  const chunks = await readChunks(await ask(chat, here, 'Hi', { origin }))
  const last = chunks.at(-1)
  expect(JSON.parse(last?.type === 'error' ? last.errorText : '{}')).toMatchObject({ code: 'internal_error', status: 500 })
  expect(JSON.stringify(chunks)).not.toContain('broken')
  expect(await usedOf(chat, here.user, 'messages')).toBe(1)

  await chat.owner.query('update app.usage_reservations set expires_at = app.clock() where account_id = $1', [here.user])
  await chat.server.parts.db.rpc('release_expired_reservations', {})
  expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  expect(await newestOf(chat, here)).toMatchObject({ status: 'failed' })
})

test('a question whose answer was begun in the database, which was lost before it said so, costs nothing', async () => {
  const here = await openRoom(chat, 'user_begun')
  const { parts } = chat.server
  const answers = new RunningAnswers()
  const db: Database = {
    async rpc(called, args) {
      const rows = await parts.db.rpc(called, args)
      if (called === 'begin_answer') throw new DatabaseUnavailable('lost after the commit')
      return rows
    },
    close: () => Promise.resolve()
  }
  const refused = await ask(chat, here, 'Hi', { origin: await listen({ ...parts, db, answers }) })
  expect(refused.status).toBe(503)
  await answers.drain(10_000)
  expect(await usedOf(chat, here.user, 'messages')).toBe(0)
  expect(await usedOf(chat, here.user, 'llm_tokens')).toBe(0)
  expect(await newestOf(chat, here)).toMatchObject({ status: 'failed', error: 'The database was lost before the answer began.' })
})

test('a question is refused with 503 and Retry-After while the database is away', async () => {
  const here = await openRoom(chat, 'user_away')
  const origin = await failing('begin_answer', [new DatabaseUnavailable('away')])
  const refused = await ask(chat, here, 'Hi', { origin })
  expect([refused.status, refused.headers.get('retry-after'), (await problemOf(refused)).code]).toEqual([503, '1', 'service_unavailable'])
})
