import type { Request, RequestHandler, Response } from 'express'
import { ipKeyGenerator } from 'express-rate-limit'
import type { Config } from '../config.ts'
import { createRateLimiter } from './rate-limiter.ts'
import { sessionOf } from './session.ts'

const MINUTE_MS = 60_000

/**
 * limitByAddress slows down one network address, before anybody is asked who they are. The counts live in this process:
 * with several servers each allows this much. Plan quotas are never kept here; they are SQL.
 */
export function limitByAddress(limits: Config['rateLimits']): RequestHandler {
  return createRateLimiter({ identifier: 'address', limit: limits.addressPerMinute, windowMs: MINUTE_MS, keyOf: addressOf })
}

/** limitByAccount slows down one account, whatever addresses it uses; it needs a session. */
export function limitByAccount(limits: Config['rateLimits']): RequestHandler {
  const keyOf = (_req: Request, res: Response): string => sessionOf(res).accountId
  return createRateLimiter({ identifier: 'account', limit: limits.accountPerMinute, windowMs: MINUTE_MS, keyOf })
}

/** limitVisitorMessages slows down the visitors of widgets who come from one address. */
export function limitVisitorMessages(limits: Config['rateLimits']): RequestHandler {
  return createRateLimiter({ identifier: 'address', limit: limits.visitorMessagesPerMinute, windowMs: MINUTE_MS, keyOf: addressOf })
}

/** limitNewVisits slows down one address that begins visits; a request that `isFree` is not counted, and always passes. */
export function limitNewVisits(
  limits: Config['rateLimits'],
  isFree: (req: Request, res: Response) => boolean | Promise<boolean>
): RequestHandler {
  const slowDown = createRateLimiter({ identifier: 'address', limit: limits.newVisitsPerHour, windowMs: 60 * MINUTE_MS, keyOf: addressOf })
  return async (req, res, next) => {
    if (await isFree(req, res)) next()
    else await slowDown(req, res, next)
  }
}

function addressOf(req: Request): string {
  return ipKeyGenerator(req.ip ?? '')
}
