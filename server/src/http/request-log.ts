import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'
import { pinoHttp } from 'pino-http'

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
 * and writes one line when the answer ends. Neither headers, query nor bodies are in it.
 */
export function logRequests(log: Logger): RequestHandler {
  return pinoHttp<IncomingMessage>({
    logger: log,
    quietReqLogger: true,
    genReqId(req, res) {
      const offered = req.headers['x-request-id']
      const id = typeof offered === 'string' && /^[\w-]{1,64}$/.test(offered) ? offered : randomUUID()
      res.setHeader('X-Request-Id', id)
      return id
    },
    customLogLevel(req, res) {
      if (res.statusCode >= 500 && !expected.has(res)) return 'error'
      return QUIET_PATHS.has(pathOf(req)) ? 'debug' : 'info'
    },
    customSuccessMessage: (req, res) => `${req.method ?? ''} ${pathOf(req)} ${res.statusCode}`,
    customErrorMessage: (req, res) => `${req.method ?? ''} ${pathOf(req)} ${res.statusCode}`,
    wrapSerializers: false,
    serializers: {
      req: (req: IncomingMessage) => ({ method: req.method, path: pathOf(req), address: req.socket.remoteAddress }),
      res: (res: { statusCode: number }) => ({ status: res.statusCode })
    }
  })
}

function pathOf(req: IncomingMessage & { originalUrl?: string }): string {
  return (req.originalUrl ?? req.url ?? '').split('?', 1)[0] ?? ''
}

/** requestIdOf is the id that {@link logRequests} gave the request. */
export function requestIdOf(req: IncomingMessage): string {
  return typeof req.id === 'string' ? req.id : ''
}
