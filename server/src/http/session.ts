import { clerkMiddleware, createClerkClient, getAuth } from '@clerk/express'
import express, { type Request, type RequestHandler, type Response } from 'express'
import { z } from 'zod'
import type { ClerkConfig } from '../config.ts'
import { Problem } from '../errors.ts'
import type { SessionCache } from './session-cache.ts'

/**
 * Session is who asks. `accountId` is who is billed: the token's active organization, else the user. `operator` may use the
 * pages of whoever runs the service: the claim `metadata` (in Clerk the user's public metadata) has the role `operator`.
 */
export type Session = {
  accountId: string
  userId: string
  organizationId: string | null
  role: string | null
  operator: boolean
}

const MAX_TOKEN_BYTES = 8 * 1024
const READING_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
// Other token kinds that Clerk's middleware knows make it ask Clerk over the network.
const JWT_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/

declare global {
  namespace Express {
    interface Response {
      /** session is read by `sessionOf`. */
      session?: Session
    }
  }
}

// As the database and the processors' metadata take it.
const idSchema = z.string().regex(/^[\x21-\x7e]{1,255}$/)
const accountSchema = z.object({ userId: idSchema, organizationId: idSchema.nullable() })
const claimsSchema = z.object({
  iss: z.string(),
  azp: z.string(),
  sub: z.string(),
  // Clerk asks whether this lies in the past, which no number without an end does.
  exp: z.number(),
  sts: z.string().optional(),
  // An application may put anything else there.
  metadata: z.object({ role: z.unknown() }).optional().catch(undefined)
})

/** sessionOf answers the session that {@link requireSession} has found; throws where that did not run. */
export function sessionOf(res: Response): Session {
  const { session } = res
  if (!session) throw new Error('This route is not behind requireSession.')
  return session
}

/**
 * requireSession lets a request pass that carries a Clerk session token, as `Authorization: Bearer` or in the cookie
 * `__session`. Clerk's middleware checks signature, time and `azp`; the issuer and a missing `azp` it lets pass, so they
 * are checked here. Anything else is answered with the problem `unauthenticated`, never with a redirect.
 *
 * A token that passed is not verified again while {@link SessionCache} answers for it; how it was sent is checked each time.
 */
export function requireSession(parts: { config: { clerk: ClerkConfig }; sessionCache: SessionCache }): RequestHandler {
  const { sessionCache } = parts
  const { clerk } = parts.config
  const verify = express.Router()
  verify.use(clerkMiddleware(clerkOptions(clerk)))
  verify.use((req, res, next) => {
    const session = readSession(req, clerk)
    if (session === null) throw unauthenticated('The session token is not valid: it may have expired or be meant for another service.')
    sessionCache.remember(tokenOf(req), session)
    res.session = session
    next()
  })
  return (req, res, next) => {
    const token = presentToken(req, clerk.authorizedParties)
    const session = sessionCache.find(token)
    if (session === null) {
      prepareForClerk(req, token)
      verify(req, res, next)
      return
    }
    res.session = session
    next()
  }
}

function clerkOptions(clerk: ClerkConfig) {
  const keys = {
    publishableKey: clerk.publishableKey,
    secretKey: clerk.secretKey,
    ...(clerk.jwtKey !== null && { jwtKey: clerk.jwtKey })
  }
  return {
    ...keys,
    // A client of our own: the default one reads the environment and reports telemetry.
    clerkClient: createClerkClient({ ...keys, telemetry: { disabled: true } }),
    authorizedParties: clerk.authorizedParties
  }
}

/**
 * presentToken answers the token, wherever it was sent, and puts that of a cookie into the Authorization header. A cookie is sent
 * by the browser whoever asks for it, so a writing request from a foreign origin is refused.
 */
function presentToken(req: Request, authorizedParties: string[]): string {
  if (req.headers.authorization === undefined) {
    const cookie = sessionCookie(req.headers.cookie)
    if (cookie === null) throw unauthenticated('Sign in first: send the session token as Authorization: Bearer <token>.')
    if (!READING_METHODS.has(req.method) && isForeignOrigin(req, authorizedParties)) {
      throw new Problem('forbidden', 'This origin may not write with the session cookie.')
    }
    req.headers.authorization = `Bearer ${cookie}`
  }
  const token = tokenOf(req)
  // Before anything is made of it, also its hash.
  if (token.length > MAX_TOKEN_BYTES) throw noSessionToken()
  return token
}

/**
 * prepareForClerk refuses what Clerk's middleware would break on or ask about over the network, and writes the token as that takes it
 * without ever answering with a redirect to its own pages.
 */
function prepareForClerk(req: Request, token: string): void {
  if (!JWT_SHAPE.test(token) || !hasObjects(token)) throw noSessionToken()
  // Clerk knows the scheme in this spelling only.
  req.headers.authorization = `Bearer ${token}`
}

/** tokenOf is what follows the scheme `Bearer`, in any case; empty when nothing does. */
function tokenOf(req: Request): string {
  return /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? ''
}

/** hasObjects tells whether header and claims of a token are JSON objects; Clerk's middleware breaks on a `null` there. */
function hasObjects(token: string): boolean {
  try {
    return token.split('.', 2).every((part) => {
      const content: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
      return typeof content === 'object' && content !== null
    })
  } catch {
    return false
  }
}

function sessionCookie(header: string | undefined): string | null {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === '__session' && value !== undefined && value !== '') return value
  }
  return null
}

function isForeignOrigin(req: Request, authorizedParties: string[]): boolean {
  const origin = req.get('origin')
  if (origin === undefined || authorizedParties.includes(origin)) return false
  return origin !== `${req.protocol}://${req.get('host') ?? ''}`
}

function readSession(req: Request, clerk: ClerkConfig): Session | null {
  const auth = getAuth(req)
  if (!auth.isAuthenticated) return null
  const claims = claimsSchema.safeParse(auth.sessionClaims)
  if (!claims.success) return null
  const { iss, azp, sts, metadata } = claims.data
  if (iss !== clerk.issuer || !clerk.authorizedParties.includes(azp) || sts === 'pending') return null
  const account = accountSchema.safeParse({ userId: auth.userId, organizationId: auth.orgId ?? null })
  if (!account.success) return null
  const { userId, organizationId } = account.data
  return { accountId: organizationId ?? userId, userId, organizationId, role: auth.orgRole ?? null, operator: metadata?.role === 'operator' }
}

function noSessionToken(): Problem {
  return unauthenticated('The Authorization header holds no session token.')
}

function unauthenticated(detail: string): Problem {
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer' } })
}
