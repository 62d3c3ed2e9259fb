import { createHash, timingSafeEqual } from 'node:crypto'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { z } from 'zod'
import { Refusal } from '../errors.ts'
import type { Shop } from '../shop.ts'

/** requireKey lets in who carries the API key; the others get Paddle's three answers of 403. */
export function requireKey(apiKey: string): RequestHandler {
  return (req, _res, next) => {
    const header = req.get('authorization')
    if (header === undefined) throw new Refusal(403, 'shared', 'authentication_missing', 'Authentication header missing.')
    const key = /^bearer (\S+)$/i.exec(header)?.[1]
    if (key === undefined) {
      throw new Refusal(403, 'shared', 'authentication_malformed', 'Authentication header included, but incorrectly formatted.')
    }
    if (!timingSafeEqual(digest(key), digest(apiKey))) {
      throw new Refusal(403, 'shared', 'invalid_token', 'Invalid or revoked API key.')
    }
    next()
  }
}

/** noSuchUrl answers what the twin does not have. */
export const noSuchUrl: RequestHandler = (req) => {
  throw new Refusal(404, 'shared', 'invalid_url', `The twin has no ${req.method} ${req.path}.`)
}

const parserFault = z.object({ type: z.string(), status: z.number().int().min(400).max(499) })

/** faultHandler words every failure as Paddle does. */
export function faultHandler(shop: Shop): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    const { status, area, code, message, fields } = refusalOf(error)
    res.status(status).json({
      error: {
        type: status >= 500 ? 'api_error' : 'request_error',
        code,
        detail: message,
        documentation_url: `https://developer.paddle.com/errors/${area}/${code}`,
        ...(fields.length > 0 && { errors: fields })
      },
      meta: { request_id: shop.uuid() }
    })
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (parserFault.safeParse(error).success) return new Refusal(400, 'shared', 'bad_request', 'Invalid request.')
  console.error('The Paddle twin failed:', error)
  return new Refusal(500, 'shared', 'internal_error', 'The twin itself failed; its output says why.')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
