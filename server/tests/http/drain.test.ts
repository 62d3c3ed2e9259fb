import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { z } from 'zod'
import { createTestDatabase } from '../support/database.ts'
import { startOpenAiServer } from '../support/openai-server.ts'
import { bearer, ORIGIN, testEnvironment } from './test-app.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const made = z.looseObject({ chatbotId: z.string(), conversationId: z.string().optional() })

test('asked to end while an answer streams: probes read 503, no new answer begins, the stream ends whole and is charged, exit 0', async () => {
  const database = await createTestDatabase()
  const openai = await startOpenAiServer()
  const environment = testEnvironment({
    DATABASE_URL: database.serverUrl, PORT: '0', CLERK_AUTHORIZED_PARTIES: ORIGIN, DRAIN_TIMEOUT_SECONDS: '600',
    OPENAI_BASE_URL: openai.baseUrl, OPENAI_API_KEY: 'test-key', MODEL: 'test-model'
  })
  const main = resolve(import.meta.dirname, '../../src/main.ts')
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const ended = once(child, 'close')
  let output = ''
  let url: string | undefined
  for await (const chunk of child.stdout) {
    output += String(chunk)
    url = /Parley is ready at (\S+)/.exec(output)?.[1]
    if (url !== undefined) break
  }

  const post = async (path: string, body: object): Promise<Response> =>
    fetch(`${url ?? ''}${path}`, {
      method: 'POST',
      // A connection of its own each time: whoever comes during the drain comes anew.
      headers: { ...(await bearer('user_drain')), 'Content-Type': 'application/json', Connection: 'close' },
      body: JSON.stringify(body)
    })
  const { chatbotId } = made.parse(await (await post('/api/chatbots', { name: 'Bot' })).json())
  const { conversationId } = made.parse(await (await post(`/api/chatbots/${chatbotId}/conversations`, {})).json())
  const messages = `/api/chatbots/${chatbotId}/conversations/${conversationId ?? ''}/messages`
  const next = openai.next()
  const asked = post(messages, { content: 'Tell me everything.' })
  const exchange = await next
  exchange.say('Half an answer')
  const streaming = await asked
  expect(streaming.status).toBe(200)

  child.kill('SIGTERM')
  for (let status = 200; status !== 503; ) status = (await fetch(`${url ?? ''}/readyz`, { headers: { Connection: 'close' } })).status
  const refused = await post(messages, { content: 'One more?' })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])

  exchange.say(' and the rest.')
  exchange.finish({ prompt: 7, completion: 5 })
  expect(await streaming.text()).toContain('data: [DONE]')
  expect(await ended).toEqual([0, null])
  const owner = await database.connect()
  const { rows } = await owner.query(
    `select m.status, m.content, c.used::int as messages from app.messages m
       join app.counters c on c.account_id = m.account_id and c.metric = 'messages' where m.role = 'assistant'`
  )
  expect(rows).toEqual([{ status: 'complete', content: 'Half an answer and the rest.', messages: 1 }])
})
