import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Express, Request, RequestHandler } from 'express'
import type { Logger } from 'pino'

declare global {
  namespace Express {
    interface Request {
      id?: string
      /** log writes lines that carry the request's id; each reading makes a logger, so that requests without a word cost none. */
      readonly log: Logger
    }
  }
}

/**
 * REDACTED are the paths the logger blanks. Requests are logged by an allow-list anyway (id, method, path, address); this
 * holds where someone logs a request or an error that carries one.
 */
export const REDACTED = ['req', 'request', 'err.config', 'err.request']
  .flatMap((holder) =>
    ['authorization', 'cookie', '"stripe-signature"', '"paddle-signature"', '"x-razorpay-signature"'].map((header) =>
      header.startsWith('"') ? `${holder}.headers[${header}]` : `${holder}.headers.${header}`
    )
  )

const QUIET_PATHS = new Set(['/livez', '/readyz', '/metrics'])

const expected = new WeakSet<ServerResponse>()

/** expectAnswer keeps an answer of 5xx that is no fault of the server out of the errors in the log. */
export function expectAnswer(res: ServerResponse): void {
  expected.add(res)
}

/**
 * logRequests gives each request an id (the caller's `X-Request-Id` when it is well-formed), sends it back in the answer
 * and writes one line when the answer has ended or its connection is gone. Neither headers, query nor bodies are in it. The
 * requests of `app` then have a `log`.
 */
export function logRequests(app: Express, log: Logger): RequestHandler {
  Object.defineProperty(app.request, 'log', {
    get(this: Request) {
      return log.child({ reqId: this.id })
    }
  })
  // Of the paths to be blanked these lines have none, and looking for them in each would cost more than the rest of it.
  const lines = log.child({}, { redact: [] })
  return (req, res, next) => {
    const begunMs = Date.now()
    const address = req.socket.remoteAddress
    const id = idFor(req)
    req.id = id
    res.setHeader('X-Request-Id', id)
    res.on('close', () => {
      const path = pathOf(req)
      const { method } = req
      const { statusCode: status } = res
      const line = { reqId: id, req: { method, path, address }, res: { status }, responseTime: Date.now() - begunMs }
      lines[levelOf(res, path)](line, `${method} ${path} ${status}`)
    })
    next()
  }
}

function idFor(req: Request): string {
  const offered = req.headers['x-request-id']
  return typeof offered === 'string' && /^[\w-]{1,64}$/.test(offered) ? offered : randomUUID()
}

function levelOf(res: ServerResponse, path: string): 'error' | 'debug' | 'info' {
  if (res.statusCode >= 500 && !expected.has(res)) return 'error'
  return QUIET_PATHS.has(path) ? 'debug' : 'info'
}

function pathOf(req: Request): string {
  return req.originalUrl.split('?', 1)[0] ?? ''
}

/** requestIdOf is the id that {@link logRequests} gave the request. */
export function requestIdOf(req: Request): string {
  return req.id ?? ''
}
