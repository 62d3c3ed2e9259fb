import { z } from 'zod'
import { type AnswerUsage, citationSchema, type MessageBody, messageStatusSchema } from '../contract/messages.ts'
import type { Database } from '../db/database.ts'
import { readMessage } from '../db/functions/read-message.ts'
import { readUsage } from '../db/functions/read-usage.ts'
import type { Message } from '../db/message-row.ts'
import { Problem } from '../errors.ts'
import { formatTime } from '../http/time.ts'

/** toMessageBody is a stored message as HTTP answers carry it. */
export function toMessageBody(row: Message): MessageBody {
  return {
    messageId: row.messageId,
    role: row.role,
    status: messageStatusSchema.parse(row.status),
    content: row.content,
    citations: z.array(citationSchema).parse(row.citations),
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    error: row.error,
    createdAt: formatTime(row.createdAt),
    finishedAt: formatTime(row.finishedAt)
  }
}

/** readStoredMessage reads the answer of an earlier request. Throws `not_found` when it was deleted. */
export async function readStoredMessage(
  db: Database,
  args: { accountId: string; conversationId: string; messageId: string }
): Promise<MessageBody> {
  const row = await readMessage(db, args)
  if (row === null) throw new Problem('not_found', 'The answer was deleted since.')
  return toMessageBody(row)
}

/** readAnswer reads an answer of a conversation, however it stands. Throws `not_found` for questions and what is not there. */
export async function readAnswer(
  db: Database,
  args: { accountId: string; conversationId: string; messageId: string }
): Promise<MessageBody> {
  const row = await readMessage(db, args)
  if (row === null || row.role !== 'assistant') throw new Problem('not_found', 'There is no such answer in this conversation.')
  return toMessageBody(row)
}

/** readStoredUsage is how the account's messages stand now, beside what a stored answer took. */
export async function readStoredUsage(db: Database, accountId: string, message: MessageBody): Promise<AnswerUsage> {
  const messages = (await readUsage(db, { accountId })).find(({ metric }) => metric === 'messages')
  if (messages === undefined) throw new Error('The catalog has no metric messages.')
  const { used, quota, remaining, resetsAt } = messages
  const { status, inputTokens, outputTokens } = message
  return { status, messagesUsed: used, quota, remaining, resetsAt: formatTime(resetsAt), inputTokens, outputTokens }
}
