import { beforeAll, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { chatbotSchema, type ChatbotBody } from '../../src/contract/chatbots.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { ask, type Chat, JSON_ANSWER, messagesOf, openRoom, problemOf, type Room, send, setQuota, startChat, usedOf } from './chat.ts'

let chat: Chat
let users = 0

beforeAll(async () => {
  chat = await startChat()
  chat.openai.answerAll(['Yes.'])
})

async function room(): Promise<Room> {
  users += 1
  return openRoom(chat, `user_${users}`)
}

async function botOf(response: Response): Promise<ChatbotBody> {
  return z.strictObject(chatbotSchema.shape).parse(await response.json())
}

const readBot = async ({ user, chatbotId }: Room): Promise<ChatbotBody> => botOf(await send(chat, user, `/api/chatbots/${chatbotId}`))

const change = ({ user, chatbotId }: Room, body: object): Promise<Response> =>
  send(chat, user, `/api/chatbots/${chatbotId}`, body, { method: 'PATCH' })

const question = (here: Room): Promise<Response> => ask(chat, here, 'Is it?', { headers: JSON_ANSWER })

describe('the monthly cap of a chatbot', () => {
  test('is none at first, is set at creation or later, stays when something else changes, and is removed by null', async () => {
    const here = await room()
    expect(await readBot(here)).toMatchObject({ monthlyMessageCap: null, messagesThisWindow: 0 })
    expect(await botOf(await change(here, { monthlyMessageCap: 50 }))).toMatchObject({ monthlyMessageCap: 50 })
    expect(await botOf(await change(here, { name: 'Other' }))).toMatchObject({ name: 'Other', monthlyMessageCap: 50 })
    expect(await botOf(await change(here, { monthlyMessageCap: null }))).toMatchObject({ monthlyMessageCap: null })

    const created = await send(chat, 'user_creating', '/api/chatbots', { name: 'Capped', monthlyMessageCap: 7 }, { headers: { 'Idempotency-Key': 'k' } })
    const bot = await botOf(created)
    expect([created.status, bot.monthlyMessageCap, bot.messagesThisWindow]).toEqual([201, 7, 0])
    expect(await botOf(await send(chat, 'user_creating', `/api/chatbots/${bot.chatbotId}`))).toEqual(bot)
    const other = await send(chat, 'user_creating', '/api/chatbots', { name: 'Capped' }, { headers: { 'Idempotency-Key': 'k' } })
    expect(other.status).toBe(422)
  })

  test.each([0, -1, 1.5, 1_000_000_001, '5'])('is refused as %p', async (monthlyMessageCap) => {
    const here = await room()
    for (const answer of [await change(here, { monthlyMessageCap }), await send(chat, here.user, '/api/chatbots', { name: 'x', monthlyMessageCap })]) {
      expect(answer.status).toBe(400)
      expect((await problemOf(answer)).errors).toEqual([{ field: 'monthlyMessageCap', problem: expect.any(String) }])
    }
  })

  test('refuses the next answer with its numbers and ways out, stores and charges nothing, and gives way when it is raised', async () => {
    const here = await room()
    expect((await question(here)).status).toBe(201)
    await change(here, { monthlyMessageCap: 2 })
    expect((await question(here)).status).toBe(201)
    expect(await readBot(here)).toMatchObject({ monthlyMessageCap: 2, messagesThisWindow: 2 })
    const requests = chat.openai.requests.length
    for (const headers of [{}, JSON_ANSWER]) {
      const refused = await ask(chat, here, 'One more?', { headers })
      expect(refused.status).toBe(402)
      const problem = await problemOf(refused)
      const resetsAt = problem.limit?.resetsAt
      expect(problem).toMatchObject({
        code: 'chatbot_cap_reached',
        type: '/docs/problems#chatbot_cap_reached',
        limit: { metric: 'chatbot_messages', used: 2, quota: 2, remaining: 0, resetsAt: expect.stringMatching(/Z$/), requested: 1 },
        resolutions: [{ action: 'raise_cap', chatbotId: here.chatbotId }, { action: 'wait', until: resetsAt }]
      })
      expect(problem.detail).toMatch(
        /^This chatbot has given 2 of the 2 answers its own monthly cap allows; it returns on \d+ \w+ \d{4} at \d\d:\d\d UTC\. Raise or remove the cap in its settings\.$/
      )
    }
    expect(chat.openai.requests.length).toBe(requests)
    expect((await messagesOf(chat, here)).data).toHaveLength(4)
    expect(await usedOf(chat, here.user, 'messages')).toBe(2)
    await change(here, { monthlyMessageCap: 3 })
    expect((await question(here)).status).toBe(201)
    const metrics = await chat.server.parts.metrics.registry.metrics()
    expect(metrics).toContain('quota_decisions_total{metric="chatbot_messages",decision="refused"} 2')
  })

  test('is told after the quota of the account, which goes first', async () => {
    const here = await room()
    await setQuota(chat, here.user, 'messages', 1)
    await change(here, { monthlyMessageCap: 1 })
    await question(here)
    expect((await problemOf(await question(here))).code).toBe('quota_exceeded')
  })

  test('does not count an answer that failed', async () => {
    const here = await room()
    await change(here, { monthlyMessageCap: 1 })
    const next = chat.openai.next()
    const asked = question(here)
    const exchange = await next
    expect((await readBot(here)).messagesThisWindow).toBe(1)
    exchange.refuse(401, { message: 'no' })
    expect((await asked).status).toBe(503)
    expect((await readBot(here)).messagesThisWindow).toBe(0)
    expect((await question(here)).status).toBe(201)
  })

  test('leaves every invariant whole', async () => {
    expect(await brokenInvariants(chat.owner)).toEqual([])
  })
})
