import type { Database } from '../db/database.ts'
import { listMessages } from '../db/functions/list-messages.ts'
import type { Message } from '../db/message-row.ts'
import { readChatbot } from '../db/functions/read-chatbot.ts'
import { searchPassages } from '../db/functions/search-passages.ts'
import type { Passage } from './passage.ts'
import type { Turn } from './prompt.ts'

/** Background is what an answer is made from besides the question. */
export type Background = {
  ownerInstructions: string
  modelName: string | null
  hasDocuments: boolean
  passages: Passage[]
  history: Turn[]
}

const HISTORY_ROWS = 40

/**
 * gatherBackground reads the bot, the conversation so far and the passages that fit; null when the bot is not the account's.
 * For an answer given anew (`replaces`) the conversation ends before its question, which is the last.
 */
export async function gatherBackground(
  db: Database,
  args: { accountId: string; chatbotId: string; conversationId: string; question: string; replaces: string | null }
): Promise<Background | null> {
  const { accountId, chatbotId, conversationId, question, replaces } = args
  const search = (query: string) => searchPassages(db, { accountId, chatbotId, query })
  const [chatbot, messages, found] = await Promise.all([
    readChatbot(db, { accountId, chatbotId }),
    listMessages(db, { accountId, conversationId, limit: HISTORY_ROWS }),
    search(question)
  ])
  if (chatbot === null) return null
  const history = toTurns(replaces === null ? messages : messages.slice(messages.findIndex(({ role }) => role === 'user') + 1))
  const previous = history.findLast(({ role }) => role === 'user')
  // "And how much is that?" holds nothing to search for; the question before it does.
  const rows = found.length === 0 && previous !== undefined ? await search(`${previous.content}\n${question}`) : found
  return {
    ownerInstructions: chatbot.instructions,
    modelName: chatbot.model,
    hasDocuments: chatbot.documentCount > 0,
    passages: rows.map(({ documentId, documentName, place, content }, index) => ({
      number: index + 1,
      documentId,
      documentName,
      place,
      content
    })),
    history
  }
}

/** toTurns keeps questions with the answer that followed; what failed or is still streaming would confuse the model. */
function toTurns(newestFirst: readonly Message[]): Turn[] {
  const turns: Turn[] = []
  const messages = newestFirst.toReversed()
  for (const [index, question] of messages.entries()) {
    const answer = messages[index + 1]
    if (question.role !== 'user' || answer?.role !== 'assistant') continue
    if ((answer.status !== 'complete' && answer.status !== 'stopped') || answer.content === '') continue
    turns.push({ role: 'user', content: question.content }, { role: 'assistant', content: answer.content })
  }
  return turns
}
