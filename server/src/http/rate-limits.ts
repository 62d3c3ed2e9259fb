import type { Request, RequestHandler, Response } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { sessionOf } from './session.ts'

/**
 * limitByAddress slows down one network address, before anybody is asked who they are. The counts live in this process:
 * with several servers each allows this much. Plan quotas are never kept here; they are SQL.
 */
export function limitByAddress(limits: Config['rateLimits']): RequestHandler {
  return limiter('address', limits.addressPerMinute, (req) => ipKeyGenerator(req.ip ?? ''))
}

/** limitByAccount slows down one account, whatever addresses it uses; it needs a session. */
export function limitByAccount(limits: Config['rateLimits']): RequestHandler {
  return limiter('account', limits.accountPerMinute, (_req, res) => sessionOf(res).accountId)
}

function limiter(identifier: string, limit: number, keyOf: (req: Request, res: Response) => string): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit,
    identifier,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: keyOf,
    // A caller may send X-Forwarded-For to a server without a proxy; that is no fault of the configuration.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    handler: (_req, res, next) => {
      const seconds = Number(res.getHeader('Retry-After') ?? 60)
      next(
        new Problem('rate_limited', `More than ${limit} requests in a minute from this ${identifier}. Go on in ${seconds} seconds.`, {
          resolutions: [{ action: 'retry', afterSeconds: seconds }]
        })
      )
    }
  })
}
