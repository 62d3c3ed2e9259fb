import { timingSafeEqual, createHash } from 'node:crypto'
import express, { type Request, type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Ready } from '../contract/health.ts'
import { schemaVersion } from '../db/functions/schema-version.ts'
import { isOlder, requiredSchemaVersion } from '../db/required-schema-version.ts'
import { Problem } from '../errors.ts'

const DATABASE_LIMIT_MS = 1_000
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/** healthRouter answers probes and the metrics scraper. */
export function healthRouter(parts: Parts): Router {
  const router = express.Router()
  router.get('/livez', (_req, res) => {
    res.json({ status: 'alive' })
  })
  router.get('/readyz', async (_req, res) => {
    res.set('Cache-Control', 'no-store')
    if (parts.lifecycle.draining) throw notReady('The server is shutting down.')
    const version = await withinLimit(schemaVersion(parts.db))
    const required = requiredSchemaVersion()
    if (isOlder(version, required)) {
      throw notReady(`The database is at schema ${version ?? 'none'}, this server needs ${required ?? ''}: apply the migrations.`)
    }
    res.json({ status: 'ready', schemaVersion: version } satisfies Ready)
  })
  router.get('/metrics', async (req, res) => {
    requireScraper(req, parts.config.metricsToken)
    res.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics())
  })
  return router
}

async function withinLimit(answer: Promise<string | null>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(notReady('The database does not answer within a second.')), DATABASE_LIMIT_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
    // An answer that comes later, or fails later, is nobody's business any more.
    answer.catch(() => undefined)
  }
}

function notReady(detail: string): Problem {
  return new Problem('service_unavailable', detail, { headers: { 'Retry-After': '1' } })
}

/** requireScraper wants the METRICS_TOKEN; without one only this machine may look, and not through a proxy on it. */
function requireScraper(req: Request, token: string | null): void {
  if (token === null) {
    const viaProxy = req.headers['x-forwarded-for'] !== undefined || req.headers['forwarded'] !== undefined
    if (!viaProxy && LOOPBACK.has(req.socket.remoteAddress ?? '')) return
    throw new Problem('forbidden', 'Metrics are shown to this machine only, until METRICS_TOKEN is set.')
  }
  if (isSame(req.get('authorization') ?? '', `Bearer ${token}`)) return
  throw new Problem('unauthenticated', 'Metrics need the METRICS_TOKEN as a bearer token.', {
    headers: { 'WWW-Authenticate': 'Bearer' }
  })
}

/** isSame compares digests, because a comparison in constant time needs equal lengths. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
