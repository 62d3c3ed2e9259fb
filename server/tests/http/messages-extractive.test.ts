import { beforeAll, describe, expect, test } from '@jest/globals'
import { GREETING, NO_DOCUMENTS, NOTHING_FOUND } from '../../src/llm/extractive-answer.ts'
import { answerOf, ask, type Chat, JSON_ANSWER, openRoom, readChunks, type Room, send, startChat, toMessage, usedOf } from './chat.ts'

describe('without a model', () => {
  let chat: Chat
  let here: Room

  beforeAll(async () => {
    chat = await startChat({ extractive: true })
    here = await openRoom(chat, 'user_extractive')
  })

  const answer = async (question: string) => (await answerOf(await ask(chat, here, question, { headers: JSON_ANSWER }))).message

  test('a bot without documents says what to do', async () => {
    expect((await answer('How long do refunds take?')).content).toBe(NO_DOCUMENTS)
  })

  test('answers quote the document that holds them, with its name and a citation, and stream like any other', async () => {
    const documents = `/api/chatbots/${here.chatbotId}/documents`
    const text = '# Refunds\n\nWe refund every order within 14 days.\n\n# Shipping\n\nShipping takes three to five working days.'
    await send(chat, here.user, documents, { name: 'handbook.md', text })
    await send(chat, here.user, documents, { name: 'parrots.txt', text: 'Parrots are welcome in our shop on Sundays.' })

    const { content, citations, inputTokens, outputTokens } = await answer('When will you refund my order?')
    expect(content).toBe('According to *handbook.md*: “We refund every order within 14 days.” [1]')
    expect(citations).toEqual([expect.objectContaining({ number: 1, documentName: 'handbook.md', place: 1 })])
    expect(inputTokens).toBeGreaterThan(0)
    expect(outputTokens).toBeGreaterThan(0)

    const chunks = await readChunks(await ask(chat, here, 'Are parrots welcome on Sundays?'))
    expect(chunks.filter(({ type }) => type === 'text-delta').length).toBeGreaterThan(5)
    const message = await toMessage(chunks)
    expect(message.parts[0]).toMatchObject({ text: 'According to *parrots.txt*: “Parrots are welcome in our shop on Sundays.” [1]' })
    expect(message.parts[1]).toMatchObject({ type: 'source-document', title: 'parrots.txt' })
  })

  test('says honestly that it finds nothing, without citing anything; that too is an answer and counts', async () => {
    const before = await usedOf(chat, here.user, 'messages')
    const { content, citations, status } = await answer('What is the capital of France?')
    expect({ content, citations, status }).toEqual({ content: NOTHING_FOUND, citations: [], status: 'complete' })
    expect(await usedOf(chat, here.user, 'messages')).toBe(before + 1)
  })

  test('the tenth answer of a conversation costs what the first one does', async () => {
    const room = await openRoom(chat, 'user_long_talk')
    const costs: (number | null)[] = []
    for (let turn = 0; turn < 10; turn += 1) {
      costs.push((await answerOf(await ask(chat, room, 'Anything new?', { headers: JSON_ANSWER }))).message.inputTokens)
    }
    expect(new Set(costs).size).toBe(1)
  })

  test('greets', async () => {
    expect((await answer('Hello!')).content).toBe(GREETING)
  })

  test('never answers from the documents of another bot', async () => {
    const stranger = await openRoom(chat, 'user_stranger')
    const answered = await ask(chat, stranger, 'Are parrots welcome on Sundays?', { headers: JSON_ANSWER })
    expect((await answerOf(answered)).message.content).toBe(NO_DOCUMENTS)
  })
})
