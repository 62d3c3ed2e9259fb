import express, { type Request, type Response, type Router } from 'express'
import { z } from 'zod'
import type { Parts } from '../app.ts'
import { conversationParamsSchema } from '../contract/conversations.ts'
import {
  type AnswerBody,
  type AnswerUsage,
  type MessageBody,
  messageParamsSchema,
  messageStatusSchema,
  newMessageSchema
} from '../contract/messages.ts'
import { listMessages } from '../db/functions/list-messages.ts'
import { readConversation } from '../db/functions/read-conversation.ts'
import { stopAnswer } from '../db/functions/stop-answer.ts'
import { Problem, problemBody } from '../errors.ts'
import { sendStream } from '../http/event-stream.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { readPage, toPage } from '../http/page.ts'
import { requestIdOf } from '../http/request-log.ts'
import { sessionOf } from '../http/session.ts'
import { parseBody, parseParams } from '../http/validate.ts'
import { startAnswer } from '../llm/answer.ts'
import { storedAnswerStream } from '../llm/answer-stream.ts'
import { noSuchConversation } from './conversations.ts'
import { readAnswer, readStoredMessage, readStoredUsage, toMessageBody } from './stored-answer.ts'

const PATH = '/api/chatbots/:chatbotId/conversations/:conversationId/messages'

const placeSchema = z.strictObject({ place: z.int() })

/** messagesRouter lists messages, answers questions, streams an answer again and stops answers. */
export function messagesRouter(parts: Parts): Router {
  const { db, answers } = parts
  const router = express.Router()

  router.get(PATH, async (req, res) => {
    const { chatbotId, conversationId } = parseParams(conversationParamsSchema, req)
    const { accountId } = sessionOf(res)
    const { limit, rowLimit, place } = readPage(req, placeSchema)
    const [rows, conversation] = await Promise.all([
      listMessages(db, { accountId, conversationId, limit: rowLimit, beforePlace: place?.place ?? null }),
      readConversation(db, { accountId, chatbotId, conversationId })
    ])
    if (conversation === null) throw noSuchConversation()
    res.json(toPage(rows, limit, toMessageBody, (row) => ({ place: row.place })))
  })

  router.post(PATH, async (req, res) => {
    const { chatbotId, conversationId } = parseParams(conversationParamsSchema, req)
    const { content, channel, replaces = null } = parseBody(newMessageSchema, req)
    if (parts.lifecycle.draining) {
      throw new Problem('service_unavailable', 'This server is shutting down. Repeat the request in a second.', {
        headers: { 'Retry-After': '1' },
        resolutions: [{ action: 'retry', afterSeconds: 1 }]
      })
    }
    const { accountId } = sessionOf(res)
    const requestId = idempotencyKeyOf(req)
    const describe = describeFor(req)
    const question = { accountId, chatbotId, conversationId, content, channel, requestId, replaces, describe, log: req.log }
    const answer = await startAnswer(parts, question)
    const { messageId } = answer

    if (answer.outcome === 'replayed') {
      const message = await readStoredMessage(db, { accountId, conversationId, messageId })
      const usage = await readStoredUsage(db, accountId, message)
      res.set('Idempotent-Replayed', 'true')
      if (wantsJson(req)) sendJson(res, message, usage)
      else await sendStream(res, storedAnswerStream(message, conversationId, usage, describe))
      return
    }
    if (wantsJson(req)) {
      const usage = await answer.finished
      sendJson(res, await readStoredMessage(db, { accountId, conversationId, messageId }), usage)
      return
    }
    // Until the first piece is there, a failure can still be told by its status.
    await answer.begun
    await sendStream(res, answer.stream)
  })

  router.get(`${PATH}/:messageId/stream`, async (req, res) => {
    const { chatbotId, conversationId, messageId } = parseParams(messageParamsSchema, req)
    const { accountId } = sessionOf(res)
    const read = () => readAnswer(db, { accountId, conversationId, messageId })
    const [first, conversation] = await Promise.all([read(), readConversation(db, { accountId, chatbotId, conversationId })])
    if (conversation === null) throw noSuchConversation()
    const running = answers.follow(messageId)
    if (running !== null) {
      await sendStream(res, running)
      return
    }
    // What ran here when it was read may have ended since.
    const message = first.status === 'streaming' ? await read() : first
    if (message.status === 'streaming') throw answeredElsewhere()
    const usage = await readStoredUsage(db, accountId, message)
    await sendStream(res, storedAnswerStream(message, conversationId, usage, describeFor(req)))
  })

  router.post(`${PATH}/:messageId/stop`, async (req, res) => {
    const { chatbotId, conversationId, messageId } = parseParams(messageParamsSchema, req)
    const { accountId } = sessionOf(res)
    if ((await readConversation(db, { accountId, chatbotId, conversationId })) === null) throw noSuchConversation()
    const ask = async () => {
      const stopped = await stopAnswer(db, { accountId, conversationId, messageId })
      if (stopped === null) throw new Problem('not_found', 'There is no such answer in this conversation.')
      return messageStatusSchema.parse(stopped.status)
    }
    let status = await ask()
    if (status === 'streaming' && answers.stop(messageId)) {
      await answers.settled(messageId)
      status = await ask()
    }
    res.status(status === 'streaming' ? 202 : 200).json({ messageId, status })
  })
  return router
}

function describeFor(req: Request): (problem: Problem) => string {
  return (problem) => JSON.stringify(problemBody(problem, requestIdOf(req), req.path))
}

function answeredElsewhere(): Problem {
  return new Problem('request_in_progress', 'Another server is writing this answer. It can be read here as soon as it is finished.', {
    headers: { 'Retry-After': '1' },
    resolutions: [{ action: 'retry', afterSeconds: 1 }]
  })
}

function wantsJson(req: Request): boolean {
  return req.accepts(['text/event-stream', 'application/json']) === 'application/json'
}

function sendJson(res: Response, message: MessageBody, usage: AnswerUsage): void {
  const { messagesUsed: used, quota, remaining, resetsAt } = usage
  res.status(201).json({ message, usage: { metric: 'messages', used, quota, remaining, resetsAt } } satisfies AnswerBody)
}
