import express, { type RequestHandler, type Router } from 'express'
import type { Parts } from '../app.ts'
import { type LocalSession, newLocalSessionSchema } from '../contract/local-session.ts'
import { Problem } from '../errors.ts'
import { jsonBody } from '../http/json-body.ts'
import { notFound } from '../http/problem-handler.ts'
import { parseBody } from '../http/validate.ts'
import { signSessionToken } from '../sandbox/session-token.ts'

const EXPIRES_IN_SECONDS = 600

/** localSessionRouter signs anybody in as anybody where the sign-in is local; elsewhere it is as if it were not there. */
export function localSessionRouter({ config }: Parts): Router {
  const router = express.Router()
  const { localSigningKey, authorizedParties } = config.clerk

  const onlyLocally: RequestHandler = (req, res, next) => {
    if (localSigningKey === null) notFound(req, res, next)
    else next()
  }

  router.post('/sandbox/session', onlyLocally, ...jsonBody(), (req, res) => {
    if (localSigningKey === null) throw new Error('Refused above.')
    const origin = req.get('origin')
    if (origin !== undefined && !authorizedParties.includes(origin)) {
      throw new Problem('forbidden', 'Pages of other origins may not sign in here.')
    }
    const { userId, organization, operator } = parseBody(newLocalSessionSchema, req)
    const token = signSessionToken(localSigningKey, {
      userId,
      organization: organization ?? null,
      operator,
      authorizedParty: origin ?? authorizedParties[0] ?? '',
      expiresInSeconds: EXPIRES_IN_SECONDS
    })
    const expiresAt = new Date(Date.now() + EXPIRES_IN_SECONDS * 1000).toISOString()
    res.set('Cache-Control', 'no-store').json({ token, expiresAt } satisfies LocalSession)
  })
  return router
}
