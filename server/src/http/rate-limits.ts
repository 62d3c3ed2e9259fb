import type { Request, RequestHandler, Response } from 'express'
import { ipKeyGenerator, type Options, rateLimit } from 'express-rate-limit'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { sessionOf } from './session.ts'

/**
 * limitByAddress slows down one network address, before anybody is asked who they are. The counts live in this process:
 * with several servers each allows this much. Plan quotas are never kept here; they are SQL.
 */
export function limitByAddress(limits: Config['rateLimits']): RequestHandler {
  return limiter('address', limits.addressPerMinute, addressOf)
}

/** limitByAccount slows down one account, whatever addresses it uses; it needs a session. */
export function limitByAccount(limits: Config['rateLimits']): RequestHandler {
  return limiter('account', limits.accountPerMinute, (_req, res) => sessionOf(res).accountId)
}

/** limitVisitorMessages slows down the visitors of widgets who come from one address. */
export function limitVisitorMessages(limits: Config['rateLimits']): RequestHandler {
  return limiter('address', limits.visitorMessagesPerMinute, addressOf)
}

/** limitNewVisits slows down one address that begins visits; a request that `isFree` is not counted, and always passes. */
export function limitNewVisits(
  limits: Config['rateLimits'],
  isFree: (req: Request, res: Response) => boolean | Promise<boolean>
): RequestHandler {
  return limiter('address', limits.newVisitsPerHour, addressOf, { windowMs: 3_600_000, skip: isFree })
}

function addressOf(req: Request): string {
  return ipKeyGenerator(req.ip ?? '')
}

function limiter(
  identifier: string,
  limit: number,
  keyOf: (req: Request, res: Response) => string,
  options: Partial<Options> & { windowMs: number } = { windowMs: 60_000 }
): RequestHandler {
  const window = options.windowMs === 60_000 ? 'a minute' : 'an hour'
  return rateLimit({
    ...options,
    limit,
    identifier,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: keyOf,
    // A caller may send X-Forwarded-For to a server without a proxy; that is no fault of the configuration.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    handler: (_req, res, next) => {
      const seconds = Number(res.getHeader('Retry-After') ?? 60)
      const detail = `More than ${limit} requests in ${window} from this ${identifier}. Go on in ${seconds} seconds.`
      next(new Problem('rate_limited', detail, { resolutions: [{ action: 'retry', afterSeconds: seconds }] }))
    }
  })
}
