import { hash } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import { MemoryStore, rateLimit } from 'express-rate-limit'
import { Problem } from '../errors.ts'

/** RateLimit: `limit` requests per `windowMs` (a minute or an hour) and key; `identifier` says what a key is, also to callers. */
export type RateLimit = { identifier: string; limit: number; windowMs: number; keyOf: (req: Request, res: Response) => string }

/**
 * createRateLimiter refuses a key's requests beyond the limit as the problem `rate_limited`, and tells every caller how they stand
 * (draft-ietf-httpapi-ratelimit-headers-08). express-rate-limit counts; its own middleware costs each request some ten promises
 * and as many microseconds.
 */
export function createRateLimiter({ identifier, limit, windowMs, keyOf }: RateLimit): RequestHandler {
  const store = new MemoryStore()
  // Tells the store its window, and has it forget whoever stays away.
  rateLimit({ store, windowMs })
  const policy = `"${identifier}"; q=${limit}; w=${windowMs / 1000}`
  const window = windowMs === 60_000 ? 'a minute' : 'an hour'
  const partitionOf = rememberPartitions()
  return async (req, res, next) => {
    const key = keyOf(req, res)
    const { totalHits, resetTime } = await store.increment(key)
    const seconds = secondsUntil(resetTime, windowMs)
    append(res, 'RateLimit', `"${identifier}"; r=${Math.max(limit - totalHits, 0)}; t=${seconds}`)
    append(res, 'RateLimit-Policy', `${policy}; pk=:${partitionOf(key)}:`)
    if (totalHits > limit) {
      res.setHeader('Retry-After', String(seconds))
      const detail = `More than ${limit} requests in ${window} from this ${identifier}. Go on in ${seconds} seconds.`
      throw new Problem('rate_limited', detail, { resolutions: [{ action: 'retry', afterSeconds: seconds }] })
    }
    next()
  }
}

function secondsUntil(resetTime: Date | undefined, windowMs: number): number {
  const leftMs = resetTime === undefined ? windowMs : resetTime.getTime() - Date.now()
  return Math.max(Math.ceil(leftMs / 1000), 0)
}

const MOST_PARTITIONS = 10_000
// Behind a proxy an address is whatever the proxy passes on.
const LONGEST_KEY = 255

/** rememberPartitions answers what names a key to its caller: part of its hash, as express-rate-limit has it, made once per key. */
function rememberPartitions(): (key: string) => string {
  const partitions = new Map<string, string>()
  return (key) => {
    const known = partitions.get(key)
    if (known !== undefined) return known
    const partition = btoa(hash('sha256', key).slice(0, 12))
    if (key.length > LONGEST_KEY) return partition
    if (partitions.size >= MOST_PARTITIONS) partitions.clear()
    partitions.set(key, partition)
    return partition
  }
}

function append(res: Response, name: string, value: string): void {
  const before = res.getHeader(name)
  res.setHeader(name, before === undefined ? value : [String(before), value])
}
