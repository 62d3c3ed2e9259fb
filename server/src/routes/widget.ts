import type { UIMessageChunk } from 'ai'
import express, { type Router } from 'express'
import { z } from 'zod'
import type { Parts } from '../app.ts'
import { newVisitorSchema, type Visit, visitorMessageSchema } from '../contract/widget.ts'
import type { beginAnswer } from '../db/functions/begin-answer.ts'
import { beginVisitorAnswer } from '../db/functions/begin-visitor-answer.ts'
import { listMessages } from '../db/functions/list-messages.ts'
import { openVisit } from '../db/functions/open-visit.ts'
import type { ServedWidget } from '../db/functions/read-widget-by-key.ts'
import { stopAnswer } from '../db/functions/stop-answer.ts'
import { Problem, problemBody } from '../errors.ts'
import { sendStream } from '../http/event-stream.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { limitByAddress, limitNewVisits, limitVisitorMessages } from '../http/rate-limits.ts'
import { requestIdOf } from '../http/request-log.ts'
import { parseBody } from '../http/validate.ts'
import { digestOf, newVisitorToken, tokenOfIdentity, visitorTokenOf } from '../http/visitor-token.ts'
import { startAnswer } from '../llm/answer.ts'
import { storedAnswerStream } from '../llm/answer-stream.ts'
import { readStoredMessage, readStoredUsage } from './stored-answer.ts'
import { blockedProblem, tellVisitors, visitorProblem } from './widget-problems.ts'
import {
  findVisitor,
  identifiedUser,
  isVisitorStill,
  requireVisitor,
  requireWidget,
  servedVisitor,
  servedWidget,
  toVisitorMessage
} from './widget-visitor.ts'

const PATH = '/widget/:widgetKey'
const SHOWN_MESSAGES = 50

const messageIdSchema = z.object({ messageId: z.guid() })

/** widgetRouter is what the page inside the iframe asks for: visits, answers and their end. It knows no cookie and no session. */
export function widgetRouter(parts: Parts): Router {
  const { config, db, answers } = parts
  const router = express.Router()
  const widgetFirst = requireWidget(parts)
  const visitorFirst = requireVisitor(parts)
  const slowDown = limitVisitorMessages(config.rateLimits)

  // Before the body whoever shows a visit passes, and after it whoever goes on with that one.
  const slowDownNew = limitNewVisits(config.rateLimits, async (req, res) => (await findVisitor(db, req, res)) !== null)
  const slowDownOthers = limitNewVisits(config.rateLimits, (req, res) => isVisitorStill(req, res))
  const visitFirst = [limitByAddress(config.rateLimits), widgetFirst, slowDownNew, ...jsonBody(), slowDownOthers]

  router.post(`${PATH}/visits`, ...visitFirst, async (req, res) => {
    const widget = servedWidget(res)
    const { accountId, chatbotId, chatbotName, welcomeMessage } = widget
    const externalId = identifiedUser(widget, parseBody(newVisitorSchema, req).identity)
    requireAnswering(widget)
    const earlier = visitorTokenOf(req)
    const earlierTokenSha256 = earlier === null ? null : digestOf(earlier)
    const token = externalId === null ? newVisitorToken() : tokenOfIdentity(widget.identitySecret, externalId)
    const visit = await openVisit(db, { accountId, chatbotId, tokenSha256: digestOf(token), earlierTokenSha256, externalId })
    if (visit === null) throw new Problem('not_found', 'There is no such chat.')
    const goesOn = earlier !== null && visit.tokenSha256 === earlierTokenSha256
    const rows = await listMessages(db, { accountId, conversationId: visit.conversationId, limit: SHOWN_MESSAGES })
    const messages = rows.toReversed().map(toVisitorMessage)
    res.json({ token: goesOn ? earlier : token, chatbotName, welcomeMessage, messages } satisfies Visit)
  })

  router.post(`${PATH}/messages`, slowDown, widgetFirst, visitorFirst, ...jsonBody(), async (req, res) => {
    const widget = servedWidget(res)
    const { accountId, chatbotId } = widget
    const { conversationId, visitorId } = servedVisitor(res)
    const { content } = parseBody(visitorMessageSchema, req)
    if (parts.lifecycle.draining) throw restarting()
    requireAnswering(widget)
    const describe = (problem: Problem): string =>
      JSON.stringify(problemBody(visitorProblem(problem, widget.unavailableMessage), requestIdOf(req), req.path))
    const requestId = idempotencyKeyOf(req)
    const begin = beginFor(visitorId)
    const asked = { accountId, chatbotId, conversationId, content, channel: 'widget' as const, requestId }
    const answer = await startAnswer(parts, { ...asked, begin, describe, log: req.log })
    if (answer.outcome === 'replayed') {
      const message = await readStoredMessage(db, { accountId, conversationId, messageId: answer.messageId })
      const usage = await readStoredUsage(db, accountId, message)
      res.set('Idempotent-Replayed', 'true')
      await sendStream(res, withoutUsage(storedAnswerStream(message, conversationId, usage, describe)))
      return
    }
    // Until the first piece is there, a failure can still be told by its status.
    await answer.begun
    await sendStream(res, withoutUsage(answer.stream))
  })

  router.post(`${PATH}/messages/:messageId/stop`, slowDown, widgetFirst, visitorFirst, async (req, res) => {
    const { accountId } = servedWidget(res)
    const { conversationId } = servedVisitor(res)
    const params = messageIdSchema.safeParse(req.params)
    const asked = params.success ? { accountId, conversationId, messageId: params.data.messageId } : null
    if (asked === null || (await stopAnswer(db, asked)) === null) {
      throw new Problem('not_found', 'There is no such answer in this chat.')
    }
    answers.stop(asked.messageId)
    res.status(204).end()
  })

  router.use(PATH, tellVisitors(parts))
  return router
}

/** beginFor begins answers of one visitor, who has a number of messages in an hour. */
function beginFor(visitorId: string): typeof beginAnswer {
  return async (db, { accountId, chatbotId, content, tokenEstimate, requestId = null, messageId }) => {
    const asked = { accountId, chatbotId, visitorId, content, tokenEstimate, requestId }
    const beginning = await beginVisitorAnswer(db, { ...asked, ...(messageId !== undefined && { messageId }) })
    if (beginning.outcome === 'too_many') throw tooMany(beginning.retryAfterSeconds)
    return beginning
  }
}

function requireAnswering(widget: ServedWidget): void {
  const blocked = blockedProblem(widget)
  if (blocked !== null) throw blocked
}

function withoutUsage(stream: ReadableStream<UIMessageChunk>): ReadableStream<UIMessageChunk> {
  const drop = new TransformStream<UIMessageChunk, UIMessageChunk>({
    transform(chunk, controller) {
      if (chunk.type !== 'data-usage') controller.enqueue(chunk)
    }
  })
  return stream.pipeThrough(drop)
}

function tooMany(afterSeconds: number): Problem {
  const minutes = Math.ceil(afterSeconds / 60)
  const when = minutes === 1 ? 'a minute' : `${minutes} minutes`
  return new Problem('rate_limited', `That were many messages in a short time. You can go on in ${when}.`, {
    headers: { 'Retry-After': String(afterSeconds) },
    resolutions: [{ action: 'retry', afterSeconds }]
  })
}

function restarting(): Problem {
  return new Problem('service_unavailable', 'This server is shutting down.', {
    headers: { 'Retry-After': '1' },
    resolutions: [{ action: 'retry', afterSeconds: 1 }]
  })
}
