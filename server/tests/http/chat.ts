import { once } from 'node:events'
import { createServer } from 'node:http'
import { parseJsonEventStream, readUIMessageStream, type UIMessage, type UIMessageChunk, uiMessageChunkSchema } from 'ai'
import type { Client } from 'pg'
import { z } from 'zod'
import { createApp, type Parts } from '../../src/app.ts'
import { type AnswerBody, answerSchema, type MessageBody, messageSchema } from '../../src/contract/messages.ts'
import { pageOf } from '../../src/contract/page.ts'
import { type ProblemBody, problemSchema } from '../../src/contract/problem.ts'
import { RunningAnswers } from '../../src/llm/running-answers.ts'
import { closeAfterTests, type Transport } from '../support/database.ts'
import { type OpenAiServer, startOpenAiServer } from '../support/openai-server.ts'
import { bearer, startTestApp, type TestApp } from './test-app.ts'

/** Chat is an application on a port, with a model that tests answer for by hand, and the owner's view of its database. */
export type Chat = { server: TestApp; origin: string; openai: OpenAiServer; owner: Client }

/** startChat starts one; `extractive` leaves the model out. Everything ends with the test file. */
export async function startChat(options: { transport?: Transport; extractive?: boolean } = {}): Promise<Chat> {
  const openai = await startOpenAiServer()
  const model = { OPENAI_BASE_URL: openai.baseUrl, OPENAI_API_KEY: 'sk-operator-0001', MODEL: 'test-model' }
  const server = await startTestApp({
    transport: options.transport ?? 'pg',
    environment: {
      ...(options.extractive === true ? {} : model),
      RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '100000',
      RATE_LIMIT_VISITOR_MESSAGES_PER_MINUTE: '100000',
      RATE_LIMIT_NEW_VISITS_PER_HOUR: '100000'
    }
  })
  return { server, openai, origin: await listen(server.parts), owner: await server.database.connect() }
}

/** listen puts the application on a free port; a second one with the same parts is a second instance of the service. */
export async function listen(parts: Parts): Promise<string> {
  const server = createServer(createApp(parts))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfterTests(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return `http://127.0.0.1:${address.port}`
}

/** anotherInstance is the same service in a second process: same database, its own running answers. */
export function anotherInstance(chat: Chat): Promise<string> {
  return listen({ ...chat.server.parts, answers: new RunningAnswers() })
}

/** Room is one user's conversation with a bot of theirs. */
export type Room = { user: string; chatbotId: string; conversationId: string; path: string }

/** openRoom creates a bot and a conversation through HTTP, for a user of its own. */
export async function openRoom(chat: Chat, user: string): Promise<Room> {
  const bot = await send(chat, user, '/api/chatbots', { name: 'Helpdesk', instructions: 'Be brief.' })
  const { chatbotId } = z.object({ chatbotId: z.string() }).parse(await bot.json())
  const conversation = await send(chat, user, `/api/chatbots/${chatbotId}/conversations`, { title: 'A talk' })
  const { conversationId } = z.object({ conversationId: z.string() }).parse(await conversation.json())
  return { user, chatbotId, conversationId, path: `/api/chatbots/${chatbotId}/conversations/${conversationId}/messages` }
}

type Sending = { headers?: Record<string, string>; origin?: string; signal?: AbortSignal; method?: string }

/** send is one request of a signed-in user; without a body it is a GET. */
export async function send(chat: Chat, user: string, path: string, body?: object, options: Sending = {}): Promise<Response> {
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' }
  return fetch(`${options.origin ?? chat.origin}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(await bearer(user)), ...json, ...options.headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(options.signal !== undefined && { signal: options.signal })
  })
}

/** ask sends a question; it streams unless `options.headers.Accept` says otherwise. */
export function ask(chat: Chat, room: Room, content: string, options: Sending & { channel?: 'api' | 'playground' } = {}): Promise<Response> {
  return send(chat, room.user, room.path, { content, channel: options.channel ?? 'playground' }, options)
}

/** JSON_ANSWER asks for the whole answer at once. */
export const JSON_ANSWER = { Accept: 'application/json' }

/** answerOf reads a JSON answer, as the contract describes it. */
export async function answerOf(response: Response): Promise<AnswerBody> {
  return z.strictObject(answerSchema.shape).parse(await response.json())
}

/** problemOf reads a problem, as the contract describes it. */
export async function problemOf(response: Response): Promise<ProblemBody> {
  return problemSchema.parse(await response.json())
}

/** messagesOf lists a conversation, the newest message first. */
export async function messagesOf(chat: Chat, room: Room, query = ''): Promise<{ data: MessageBody[]; nextCursor: string | null }> {
  const response = await send(chat, room.user, room.path + query)
  return pageOf(z.strictObject(messageSchema.shape)).parse(await response.json())
}

/** newestOf is the last message of a conversation: the answer, as soon as it is begun. */
export async function newestOf(chat: Chat, room: Room): Promise<MessageBody> {
  const [newest] = (await messagesOf(chat, room)).data
  if (newest === undefined) throw new Error('The conversation is empty.')
  return newest
}

/** readChunks reads a stream with the ai SDK's own parser, which checks each part against the protocol. */
export async function readChunks(response: Response): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = []
  for await (const chunk of chunksOf(response)) chunks.push(chunk)
  return chunks
}

/** chunksOf yields the parts as they come. */
export async function* chunksOf(response: Response): AsyncGenerator<UIMessageChunk> {
  if (response.body === null) throw new Error('The answer has no body.')
  const reader = parseJsonEventStream({ stream: response.body, schema: uiMessageChunkSchema }).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (!value.success) throw value.error
    yield value.value
  }
}

/** toMessage is what an ai SDK client shows in the end. */
export async function toMessage(chunks: readonly UIMessageChunk[]): Promise<UIMessage> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    }
  })
  let last: UIMessage | undefined
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = message
  if (last === undefined) throw new Error('The stream holds no message.')
  return last
}

/** usedOf answers how much of a metric the account has used, as the counters say. */
export async function usedOf(chat: Chat, account: string, metric: string): Promise<number> {
  const { rows } = await chat.owner.query<{ used: number }>(
    'select coalesce(sum(used), 0)::int as used from app.counters where account_id = $1 and metric = $2',
    [account, metric]
  )
  return rows[0]?.used ?? 0
}

/** ledgerOf answers reason and amount of each usage event of a metric, in order. */
export async function ledgerOf(chat: Chat, account: string, metric: string): Promise<string[]> {
  const { rows } = await chat.owner.query<{ line: string }>(
    `select reason || ' ' || amount as line from app.usage_events where account_id = $1 and metric = $2 order by id`,
    [account, metric]
  )
  return rows.map(({ line }) => line)
}

/** setQuota puts the account on a plan of its own with that quota; its other quotas are the metrics' defaults. */
export async function setQuota(chat: Chat, account: string, metric: string, quota: number): Promise<void> {
  await chat.owner.query(`select api.read_account($1)`, [account])
  await chat.owner.query(
    `insert into app.plans (plan, name, position, grace_days) select $1, $1, max(position) + 1, 0 from app.plans
     on conflict (plan) do nothing`,
    [`plan_${account}`]
  )
  await chat.owner.query(
    `insert into app.plan_quotas (plan, metric, quota) values ($1, $2, $3) on conflict (plan, metric) do update set quota = excluded.quota`,
    [`plan_${account}`, metric, quota]
  )
  await chat.owner.query(`update app.accounts set plan = $2 where account_id = $1`, [account, `plan_${account}`])
}
