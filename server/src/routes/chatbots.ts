import express, { type Response, type Router } from 'express'
import type { Parts } from '../app.ts'
import { chatbotChangeSchema, chatbotParamsSchema, newChatbotSchema, type ChatbotBody } from '../contract/chatbots.ts'
import type { Chatbot } from '../db/chatbot-row.ts'
import { createChatbot, type ChatbotCreation } from '../db/functions/create-chatbot.ts'
import { deleteChatbot } from '../db/functions/delete-chatbot.ts'
import { listChatbots } from '../db/functions/list-chatbots.ts'
import { readChatbot } from '../db/functions/read-chatbot.ts'
import { updateChatbot } from '../db/functions/update-chatbot.ts'
import { Problem } from '../errors.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { readPage, timePlaceSchema, toPage } from '../http/page.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody, parseParams } from '../http/validate.ts'
import type { AnswerModel } from '../llm/model.ts'
import { levelProblem } from './level-problem.ts'

const PATH = '/api/chatbots'
const ONE = '/api/chatbots/:chatbotId'

/** chatbotsRouter lists, creates, reads, changes and deletes the account's chatbots. */
export function chatbotsRouter({ db, metrics, model }: Parts): Router {
  const router = express.Router()

  router.get(PATH, async (req, res) => {
    const { limit, rowLimit, place } = readPage(req, timePlaceSchema)
    const rows = await listChatbots(db, {
      accountId: sessionOf(res).accountId,
      limit: rowLimit,
      beforeCreatedAt: place?.time ?? null,
      beforeId: place?.id ?? null
    })
    res.json(toPage(rows, limit, toBody, ({ createdAt, chatbotId }) => ({ time: createdAt, id: chatbotId })))
  })

  router.post(PATH, async (req, res) => {
    const body = parseBody(newChatbotSchema, req)
    requireOffered(model, body.model)
    const created = await createChatbot(db, {
      accountId: sessionOf(res).accountId,
      name: body.name,
      instructions: body.instructions ?? '',
      welcomeMessage: body.welcomeMessage ?? '',
      model: body.model ?? null,
      monthlyMessageCap: body.monthlyMessageCap ?? null,
      requestId: idempotencyKeyOf(req)
    })
    metrics.quotaDecisions.inc({ metric: 'chatbots', decision: created.allowed ? 'allowed' : 'refused' })
    if (!created.allowed) throw await levelProblem(db, sessionOf(res).accountId, created, 'chatbots', 1)
    sendCreated(res, created)
  })

  router.get(ONE, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const chatbot = await readChatbot(db, { accountId: sessionOf(res).accountId, chatbotId })
    if (chatbot === null) throw noSuchChatbot()
    res.json(toBody(chatbot))
  })

  router.patch(ONE, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const change = parseBody(chatbotChangeSchema, req)
    requireOffered(model, change.model)
    const chatbot = await updateChatbot(db, {
      accountId: sessionOf(res).accountId,
      chatbotId,
      name: change.name ?? null,
      instructions: change.instructions ?? null,
      welcomeMessage: change.welcomeMessage ?? null,
      // In SQL null leaves the model as it is and an empty one is the server's.
      model: change.model === null ? '' : (change.model ?? null),
      // … and a cap of 0 is none.
      monthlyMessageCap: change.monthlyMessageCap === null ? 0 : (change.monthlyMessageCap ?? null)
    })
    if (chatbot === null) throw noSuchChatbot()
    res.json(toBody(chatbot))
  })

  router.delete(ONE, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const { deleted } = await deleteChatbot(db, { accountId: sessionOf(res).accountId, chatbotId })
    if (!deleted) throw noSuchChatbot()
    res.status(204).end()
  })
  return router
}

function sendCreated(res: Response, created: ChatbotCreation): void {
  const { chatbotId, name, instructions, welcomeMessage, model, createdAt, updatedAt, monthlyMessageCap, replayed } = created
  if (chatbotId === null || name === null || createdAt === null || updatedAt === null) {
    throw new Problem('not_found', 'The chatbot made with this Idempotency-Key was deleted since.')
  }
  if (replayed) res.set('Idempotent-Replayed', 'true')
  res
    .status(201)
    .location(`${PATH}/${chatbotId}`)
    .json({
      chatbotId,
      name,
      instructions: instructions ?? '',
      welcomeMessage: welcomeMessage ?? '',
      model,
      // A chatbot is made empty.
      documentCount: 0,
      storageBytes: 0,
      messagesThisWindow: 0,
      monthlyMessageCap,
      createdAt: formatTime(createdAt),
      updatedAt: formatTime(updatedAt),
      // What fits is never read-only.
      readOnly: false
    } satisfies ChatbotBody)
}

function toBody(chatbot: Chatbot): ChatbotBody {
  return { ...chatbot, createdAt: formatTime(chatbot.createdAt), updatedAt: formatTime(chatbot.updatedAt) }
}

function noSuchChatbot(): Problem {
  return new Problem('not_found', 'There is no such chatbot in this account.')
}

/** requireOffered refuses a model that would silently be answered for by another; without a language model any name may wait. */
function requireOffered(model: AnswerModel, name: string | null | undefined): void {
  if (name === null || name === undefined || model.names.length === 0 || model.names.includes(name)) return
  const problem = `is not offered; choose one of ${model.names.join(', ')}, or null for ${model.name}`
  throw new Problem('invalid_request', `model ${problem}.`, { errors: [{ field: 'model', problem }] })
}
