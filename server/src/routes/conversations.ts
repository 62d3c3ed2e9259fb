import express, { type Request, type Router } from 'express'
import type { Parts } from '../app.ts'
import { chatbotParamsSchema } from '../contract/chatbots.ts'
import { type ConversationBody, conversationParamsSchema, newConversationSchema } from '../contract/conversations.ts'
import type { Conversation } from '../db/conversation-row.ts'
import { createConversation } from '../db/functions/create-conversation.ts'
import { deleteConversation } from '../db/functions/delete-conversation.ts'
import { listConversations } from '../db/functions/list-conversations.ts'
import { readChatbot } from '../db/functions/read-chatbot.ts'
import { readConversation } from '../db/functions/read-conversation.ts'
import { Problem } from '../errors.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { readPage, timePlaceSchema, toPage } from '../http/page.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody, parseParams } from '../http/validate.ts'

const PATH = '/api/chatbots/:chatbotId/conversations'
const ONE = `${PATH}/:conversationId`

/** conversationsRouter lists, opens, reads and deletes the conversations with a chatbot. */
export function conversationsRouter({ db }: Parts): Router {
  const router = express.Router()

  router.get(PATH, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const { accountId } = sessionOf(res)
    const { limit, rowLimit, place } = readPage(req, timePlaceSchema)
    const args = { accountId, chatbotId, limit: rowLimit, beforeUpdatedAt: place?.time ?? null, beforeId: place?.id ?? null }
    const [rows, chatbot] = await Promise.all([listConversations(db, args), readChatbot(db, { accountId, chatbotId })])
    if (chatbot === null) throw noSuchChatbot()
    res.json(toPage(rows, limit, toBody, ({ updatedAt, conversationId }) => ({ time: updatedAt, id: conversationId })))
  })

  router.post(PATH, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    // A conversation needs nothing said about it, so the body may be missing.
    const { title, channel } = hasNoBody(req) ? newConversationSchema.parse({}) : parseBody(newConversationSchema, req)
    const { accountId } = sessionOf(res)
    const created = await createConversation(db, { accountId, chatbotId, title, channel, requestId: idempotencyKeyOf(req) })
    if (created === null) throw noSuchChatbot()
    if (created.replayed) res.set('Idempotent-Replayed', 'true')
    res.status(201).location(`/api/chatbots/${chatbotId}/conversations/${created.conversationId}`).json(toBody(created))
  })

  router.get(ONE, async (req, res) => {
    const { chatbotId, conversationId } = parseParams(conversationParamsSchema, req)
    const conversation = await readConversation(db, { accountId: sessionOf(res).accountId, chatbotId, conversationId })
    if (conversation === null) throw noSuchConversation()
    res.json(toBody(conversation))
  })

  router.delete(ONE, async (req, res) => {
    const { chatbotId, conversationId } = parseParams(conversationParamsSchema, req)
    const { deleted } = await deleteConversation(db, { accountId: sessionOf(res).accountId, chatbotId, conversationId })
    if (!deleted) throw noSuchConversation()
    res.status(204).end()
  })
  return router
}

/** noSuchConversation is the 404 for a conversation that is not the account's or not this chatbot's. */
export function noSuchConversation(): Problem {
  return new Problem('not_found', 'There is no such conversation of this chatbot.')
}

function noSuchChatbot(): Problem {
  return new Problem('not_found', 'There is no such chatbot in this account.')
}

function hasNoBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}

function toBody({ conversationId, chatbotId, title, channel, createdAt, updatedAt }: Conversation): ConversationBody {
  return { conversationId, chatbotId, title, channel, createdAt: formatTime(createdAt), updatedAt: formatTime(updatedAt) }
}
