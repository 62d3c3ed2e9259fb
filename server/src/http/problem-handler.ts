import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import { Problem, problemBody, toProblem } from '../errors.ts'
import { toBodyProblem } from './body-problems.ts'
import { expectAnswer, requestIdOf } from './request-log.ts'

/** notFound answers whatever no route took. */
export const notFound: RequestHandler = (req) => {
  throw new Problem('not_found', `There is no ${req.method} ${req.path.slice(0, 200)} here. GET /openapi.json lists what there is.`)
}

/** problemHandler answers every error as problem+json; faults are logged with their causes, which nobody else sees. */
export const problemHandler: ErrorRequestHandler = (error, req, res, next) => {
  const problem = toBodyProblem(error) ?? toProblem(error)
  // An owner out of quota is no fault of the server, and whoever sent the visitor away has noted why.
  if (problem.code === 'widget_unavailable') expectAnswer(res)
  else if (problem.status >= 500) req.log.error({ err: problem.cause ?? error, code: problem.code }, 'request failed')
  if (res.headersSent) {
    // Half an answer is out: only a broken connection can tell the caller that the rest is missing.
    res.destroy()
    next()
    return
  }
  sendProblem(res, problem, requestIdOf(req), req.originalUrl.split('?', 1)[0] ?? '')
}

/** sendProblem writes a problem as the whole answer. */
export function sendProblem(res: Response, problem: Problem, requestId: string, instance: string): void {
  res.status(problem.status).set(problem.headers).type('application/problem+json')
  res.send(JSON.stringify(problemBody(problem, requestId, instance)))
}
