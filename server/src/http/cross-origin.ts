import cors from 'cors'
import type { RequestHandler } from 'express'
import type { ClerkConfig } from '../config.ts'

const CORS: cors.CorsOptions = {
  origin: true,
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  // Sessions come as a bearer token: a cookie must not open the interface to another site.
  credentials: false,
  allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id'],
  exposedHeaders: ['Idempotent-Replayed', 'Retry-After', 'RateLimit', 'Location', 'Content-Disposition', 'X-Request-Id'],
  maxAge: 600,
  // Whoever sends preflights is counted like whoever sends requests, so `endPreflight` ends them.
  preflightContinue: true
}

/**
 * allowOrigins lets pages of the authorized parties use the interface from their own origin (the headers of
 * fetch.spec.whatwg.org); to all others it says nothing, and their browsers refuse. Register it before whatever can answer,
 * so that refusals can be read too.
 */
export function allowOrigins(parts: { config: { clerk: ClerkConfig } }): RequestHandler {
  const { authorizedParties } = parts.config.clerk
  const allow = cors(CORS)
  return (req, res, next) => {
    // Nobody before this says what an answer varies with.
    res.setHeader('Vary', 'Origin')
    const { origin } = req.headers
    if (origin !== undefined && authorizedParties.includes(origin)) allow(req, res, next)
    else next()
  }
}

/** endPreflight answers a preflight that {@link allowOrigins} has allowed: it carries no session. */
export const endPreflight: RequestHandler = (req, res, next) => {
  const isPreflight = req.method === 'OPTIONS' && req.get('access-control-request-method') !== undefined
  if (isPreflight && res.hasHeader('Access-Control-Allow-Origin')) res.status(204).end()
  else next()
}
