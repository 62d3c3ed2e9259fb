import { createHash, timingSafeEqual } from 'node:crypto'
import express from 'express'
import type { ErrorRequestHandler, Request, Response, Router } from 'express'
import { DAY } from './calendar.ts'
import { expanded } from './expand.ts'
import { Fault } from './fault.ts'
import { parseForm } from './form.ts'
import type { Form } from './form.ts'
import { API_VERSION, inOneChange, now } from './shop.ts'
import type { JsonObject, Shop } from './shop.ts'

/** ApiRequest is one call: `id` is the id that the path names, or ''. */
export type ApiRequest = { shop: Shop; id: string; form: Form }

/** ApiRoute answers one kind of call, e.g. `get /v1/customers/:id`, by the object it returns or the {@link Fault} it throws. */
export type ApiRoute = { method: 'get' | 'post' | 'delete'; path: string; answer(request: ApiRequest): JsonObject }

/** Stripe may forget a key after a day; the twin waits longer, because its clock is made to jump. */
const ANSWERS_KEPT_SECONDS = 60 * DAY

/** createApi serves routes as Stripe's API v1: keys, form encoding, idempotency, expanding, errors. */
export function createApi(shop: Shop, apiKey: string, routes: ApiRoute[]): Router {
  const router = express.Router()
  router.use('/v1', express.text({ type: () => true, limit: '1mb' }))
  router.use('/v1', (req, res, next) => {
    res.set('stripe-version', API_VERSION)
    if (isKey(req, apiKey)) next()
    else answer(res, new Fault(401, { type: 'invalid_request_error', message: 'Invalid API Key provided.' }))
  })
  for (const route of routes) {
    router[route.method](route.path, (req, res) => {
      const body = typeof req.body === 'string' ? req.body : ''
      const form = parseForm(req.method === 'GET' ? queryOf(req) : [queryOf(req), body].filter(Boolean).join('&'))
      const id = typeof req.params.id === 'string' ? req.params.id : ''
      serve(shop, route, { shop, id, form }, req, res)
    })
  }
  router.use('/v1', (req, res) => {
    const message = `Unrecognized request URL (${req.method}: /v1${req.path}).`
    answer(res, new Fault(404, { type: 'invalid_request_error', message }))
  })
  router.use('/v1', failed)
  return router
}

// Without an `error` object the SDK takes an answer for a success.
const failed: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  console.error(error)
  answer(res, new Fault(500, { type: 'api_error', message: 'The twin failed. What went wrong is in its output.' }))
}

function queryOf(req: Request): string {
  const start = req.originalUrl.indexOf('?')
  return start < 0 ? '' : req.originalUrl.slice(start + 1)
}

function isKey(req: Request, apiKey: string): boolean {
  const [scheme = '', value = ''] = (req.get('authorization') ?? '').split(' ')
  const basic = /^basic$/i.test(scheme)
  const given = basic
    ? (Buffer.from(value, 'base64').toString('utf8').split(':')[0] ?? '')
    : /^bearer$/i.test(scheme)
      ? value
      : ''
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(apiKey))
}

function serve(shop: Shop, route: ApiRoute, request: ApiRequest, req: Request, res: Response): void {
  const key = req.method === 'POST' ? (req.get('idempotency-key') ?? null) : null
  const fingerprint = `${req.method} ${req.path} ${JSON.stringify(request.form)}`
  const before = key !== null && Object.hasOwn(shop.state.answers, key) ? shop.state.answers[key] : undefined
  if (before && before.fingerprint !== fingerprint) {
    const message = 'Keys for idempotent requests can only be used with the same parameters they were first used with.'
    answer(res, new Fault(400, { type: 'idempotency_error', message }))
    return
  }
  if (before) {
    res.set('idempotent-replayed', 'true').status(before.status).type('application/json').send(before.body)
    return
  }
  const result = outcome(shop, route, request, key)
  if (key !== null && !(result instanceof Fault && result.unsaved)) remember(shop, key, fingerprint, result)
  answer(res, result)
}

function outcome(shop: Shop, route: ApiRoute, request: ApiRequest, key: string | null): JsonObject | Fault {
  try {
    if (route.method === 'get') return expanded(shop, route.answer(request), request.form)
    return inOneChange(shop, { idempotencyKey: key }, () => expanded(shop, route.answer(request), request.form))
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

function remember(shop: Shop, key: string, fingerprint: string, result: JsonObject | Fault): void {
  const { answers } = shop.state
  for (const [old, { created }] of Object.entries(answers)) if (created < now(shop) - ANSWERS_KEPT_SECONDS) delete answers[old]
  const status = result instanceof Fault ? result.status : 200
  answers[key] = { fingerprint, status, body: JSON.stringify(result instanceof Fault ? result.body : result), created: now(shop) }
  shop.world.changed()
}

function answer(res: Response, result: JsonObject | Fault): void {
  if (result instanceof Fault) res.status(result.status).json(result.body)
  else res.json(result)
}
