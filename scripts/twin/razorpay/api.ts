import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Router } from 'express'
import { type Context, findPayment, findPlan, findRecord, found } from './context.ts'
import { createPlan, createSubscription } from './creation.ts'
import { createCustomer, editCustomer } from './customers.ts'
import { runDue } from './due.ts'
import { cancel, pause, resume } from './lifecycle.ts'
import { page } from './lists.ts'
import { notFound, Refusal } from './refusal.ts'
import {
  cancelRequest,
  pauseRequest,
  planRequest,
  read,
  refundRequest,
  resumeRequest,
  subscriptionRequest,
  updateRequest
} from './requests.ts'
import { refundPayment } from './reversals.ts'
import { dropScheduled, requireScheduled, update } from './update.ts'

type Method = 'get' | 'post' | 'patch' | 'put' | 'delete'
type Answer = (context: Context, id: string, req: Request) => unknown

const ROUTES: [Method, string, Answer][] = [
  ['get', '/plans', ({ state }, _id, req) => page(state.plans, req.query)],
  ['post', '/plans', (context, _id, req) => createPlan(context, read(planRequest, req.body))],
  ['get', '/plans/:id', findPlan],

  ['get', '/subscriptions', ({ state }, _id, req) => page(entities(state.subscriptions), req.query)],
  ['post', '/subscriptions', (context, _id, req) => createSubscription(context, read(subscriptionRequest, req.body)).entity],
  ['get', '/subscriptions/:id', (context, id) => findRecord(context, id).entity],
  ['patch', '/subscriptions/:id', patchSubscription],
  ['get', '/subscriptions/:id/retrieve_scheduled_changes', (context, id) => scheduled(context, id)],
  ['post', '/subscriptions/:id/cancel_scheduled_changes', after(dropScheduled)],
  [
    'post',
    '/subscriptions/:id/cancel',
    after((context, record, body) => cancel(context, record, read(cancelRequest, body).cancel_at_cycle_end ? 'cycle_end' : 'now'))
  ],
  [
    'post',
    '/subscriptions/:id/pause',
    after((context, record, body) => {
      read(pauseRequest, body)
      pause(context, record)
    })
  ],
  [
    'post',
    '/subscriptions/:id/resume',
    after((context, record, body) => {
      read(resumeRequest, body)
      resume(context, record)
    })
  ],

  ['get', '/payments', ({ state }, _id, req) => page(state.payments, req.query)],
  ['get', '/payments/:id', findPayment],
  ['post', '/payments/:id/refund', refund],
  ['get', '/payments/:id/refunds', ({ state }, id, req) => page(state.refunds, req.query, ({ payment_id }) => payment_id === id)],
  ['get', '/refunds', ({ state }, _id, req) => page(state.refunds, req.query)],
  ['get', '/refunds/:id', ({ state }, id) => found(state.refunds, id)],
  ['get', '/disputes', ({ state }, _id, req) => page(state.disputes, req.query)],
  ['get', '/disputes/:id', ({ state }, id) => found(state.disputes, id)],
  ['get', '/orders/:id', ({ state }, id) => found(state.orders, id)],
  ['get', '/invoices', ({ state }, _id, req) => page(state.invoices, req.query)],
  ['get', '/invoices/:id', ({ state }, id) => found(state.invoices, id)],

  ['get', '/customers', ({ state }, _id, req) => page(state.customers, req.query)],
  ['post', '/customers', (context, _id, req) => createCustomer(context, req.body)],
  ['get', '/customers/:id', ({ state }, id) => found(state.customers, id)],
  ['put', '/customers/:id', (context, id, req) => editCustomer(context, id, req.body)]
]

/**
 * apiRouter is Razorpay's API below /v1 as far as Parley, its setup and a person with the SDK need it. Each call first
 * catches up with what was due. Every answer is JSON in Razorpay's shape, errors too.
 */
export function apiRouter(context: Context, key: { id: string; secret: string }): Router {
  const router = express.Router()
  router.use(basicAuth(key), express.json({ limit: '100kb' }))
  for (const [method, path, answer] of ROUTES) {
    router[method](path, (req, res) => {
      runDue(context)
      const { id } = req.params
      const given = answer(context, typeof id === 'string' ? id : '', req)
      // A subscription resumed after its cycle had ended is charged at once.
      runDue(context)
      res.json(given)
    })
  }
  router.use(() => {
    throw notFound()
  })
  router.use(asRazorpayError)
  return router
}

function patchSubscription(context: Context, id: string, req: Request): unknown {
  const record = findRecord(context, id)
  const { schedule_change_at: when, start_at: startAt, ...asked } = read(updateRequest, req.body)
  const changes = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
  if (Object.keys(changes).length === 0 && startAt === undefined) throw new Refusal("Parameters to update can't be empty")
  update(context, record, changes, when, startAt)
  return record.entity
}

// What the subscription will be: retrieve_scheduled_changes shows the new values in the place of the old.
function scheduled(context: Context, id: string): unknown {
  const record = findRecord(context, id)
  return { ...record.entity, ...requireScheduled(record) }
}

function refund(context: Context, id: string, req: Request): unknown {
  const { amount, notes, receipt, speed } = read(refundRequest, req.body)
  return refundPayment(context, findPayment(context, id), {
    ...(amount !== undefined && { amountMinor: amount }),
    ...(notes !== undefined && { notes }),
    ...(receipt !== undefined && { receipt }),
    ...(speed !== undefined && { speed })
  })
}

function after(change: (context: Context, record: ReturnType<typeof findRecord>, body: unknown) => void): Answer {
  return (context, id, req) => {
    const record = findRecord(context, id)
    change(context, record, req.body)
    return record.entity
  }
}

function entities<T>(records: Record<string, { entity: T }>): Record<string, T> {
  return Object.fromEntries(Object.entries(records).map(([id, { entity }]) => [id, entity]))
}

function basicAuth(key: { id: string; secret: string }): RequestHandler {
  const expected = digest(`Basic ${Buffer.from(`${key.id}:${key.secret}`).toString('base64')}`)
  return (req, res, next) => {
    const given = req.get('authorization')
    if (given !== undefined && timingSafeEqual(digest(given), expected)) {
      next()
      return
    }
    const description = given === undefined ? 'Please provide your api key for authentication purposes.' : 'Authentication failed'
    res.status(401).json({ error: { code: 'BAD_REQUEST_ERROR', description } })
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

const asRazorpayError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error)
    return
  }
  if (error instanceof Refusal) {
    res.status(400).json({
      error: {
        code: 'BAD_REQUEST_ERROR',
        description: error.message,
        source: 'business',
        step: error.reason === 'payment_failed' ? 'payment_authorization' : 'NA',
        reason: error.reason ?? 'NA',
        metadata: {},
        ...(error.field !== null && { field: error.field })
      }
    })
    return
  }
  if (error instanceof SyntaxError) {
    res.status(400).json({ error: { code: 'BAD_REQUEST_ERROR', description: 'The request body is not valid JSON.' } })
    return
  }
  next(error)
}
