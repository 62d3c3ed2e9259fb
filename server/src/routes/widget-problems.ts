import type { ErrorRequestHandler, Request } from 'express'
import type { Parts } from '../app.ts'
import type { Database } from '../db/database.ts'
import { noteWidgetRefusal } from '../db/functions/note-widget-refusal.ts'
import type { ServedWidget } from '../db/functions/read-widget-by-key.ts'
import { type ErrorCode, Problem, toProblem } from '../errors.ts'
import { toBodyProblem } from '../http/body-problems.ts'
import { requestIdOf } from '../http/request-log.ts'
import { widgetOf } from './widget-visitor.ts'

/** What a visitor may be told as it is: it is about the request, never about the account. */
const TOLD: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'invalid_argument',
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
  'unauthenticated',
  'forbidden',
  'not_found',
  'rate_limited'
])

/** What a visitor is told in words for visitors. */
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  request_in_progress: 'This message is still being answered. Please wait a moment.',
  request_id_reused: 'This message was sent before with another text. Send it once more.',
  service_unavailable: 'The chat does not answer at the moment. Please try again in a moment.',
  model_unavailable: 'No answer could be given just now. Please ask again in a moment.',
  internal_error: 'Something went wrong here. Please try again later.'
}

/** blockedProblem is why the chatbot of a widget answers nobody, null when nothing is known beforehand. */
export function blockedProblem({ blockedBy }: ServedWidget): Problem | null {
  if (blockedBy === null) return null
  const readOnly = 'the chatbot is read-only: the plan does not hold all chatbots'
  return new Problem(blockedBy, blockedBy === 'account_closed' ? 'the account is closed' : readOnly)
}

/**
 * visitorProblem is what a visitor reads instead of a problem. Whatever is about the plan or the account of the owner becomes
 * `widget_unavailable` with the sentence the owner wrote, and nothing else: no number, no time, no way out that costs money.
 */
export function visitorProblem(problem: Problem, unavailableMessage: string): Problem {
  if (isRefusal(problem)) return new Problem('widget_unavailable', unavailableMessage, { cause: problem })
  const { headers, errors } = problem
  const resolutions = problem.resolutions?.filter(({ action }) => action === 'retry') ?? []
  const cause = problem.cause ?? problem
  const kept = { headers, cause, ...(errors && { errors }), ...(resolutions.length > 0 && { resolutions }) }
  if (TOLD.has(problem.code)) return new Problem(problem.code, problem.message, kept)
  const code = SENTENCES[problem.code] === undefined ? 'internal_error' : problem.code
  return new Problem(code, SENTENCES[code] ?? '', kept)
}

/** tellVisitors answers errors of the widget's routes by {@link visitorProblem}, and keeps the true cause for the owner. */
export function tellVisitors({ db }: Pick<Parts, 'db'>): ErrorRequestHandler {
  return async (error, req, res, next) => {
    const problem = toBodyProblem(error) ?? toProblem(error)
    const widget = widgetOf(res)
    if (widget !== null && isRefusal(problem)) await noteRefusal(db, widget, causeOf(problem), req)
    next(visitorProblem(problem, widget?.unavailableMessage ?? ''))
  }
}

async function noteRefusal(db: Database, { accountId, chatbotId }: ServedWidget, cause: string, req: Request): Promise<void> {
  req.log.warn({ chatbotId, cause }, 'a visitor was sent away')
  try {
    await noteWidgetRefusal(db, { accountId, chatbotId, cause, requestId: requestIdOf(req) })
  } catch (error) {
    // The visitor gets the sentence all the same.
    req.log.error({ err: error, chatbotId }, 'the refusal of a visitor was not noted')
  }
}

function isRefusal({ status, code }: Problem): boolean {
  return status === 402 || code === 'account_closed'
}

/** causeOf tells the owner what refused, such as `messages: 100 of 100 used`. */
function causeOf({ limit, message }: Problem): string {
  if (limit === undefined || limit.quota === null) return message
  const needs = limit.requested > 1 ? `, ${limit.requested} needed` : ''
  return `${limit.metric}: ${limit.used} of ${limit.quota} used${needs}`
}
