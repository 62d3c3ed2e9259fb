import { Router } from 'express'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { activate, cancel, pause, resume, schedule } from '../lifecycle.ts'
import { assertEditable } from '../plan-change.ts'
import type { Shop } from '../shop.ts'
import type { Subscription } from '../state/subscription.ts'
import { subscriptionAnswer } from '../wire/subscription.ts'
import { transactionAnswer } from '../wire/transaction.ts'
import { answer, answerPage, idOf, matching, namesIn, parsed } from './context.ts'
import type { Context } from './context.ts'
import { chargeOnce, chargeRequest } from './one-time-charge.ts'
import { cardChange } from './payment-method.ts'
import { previewUpdate, subscriptionChanges, updateSubscription } from './subscription-update.ts'

const effectiveFrom = z.enum(['immediately', 'next_billing_period']).nullish()
const cancelRequest = z.object({ effective_from: effectiveFrom })
const onResume = z.enum(['start_new_billing_period', 'continue_existing_billing_period']).optional()
const pauseRequest = z.object({ effective_from: effectiveFrom, resume_at: z.iso.datetime().nullish(), on_resume: onResume })
const resumeRequest = z.object({ effective_from: z.union([z.literal('immediately'), z.iso.datetime()]), on_resume: onResume })

/** subscriptionRoutes are subscriptions: read and changed by the seller; they are made by paying a transaction. */
export function subscriptionRoutes({ shop, during }: Context): Router {
  const router = Router()
  const action = (change: (subscription: Subscription, req: Request) => void) => (req: Request, res: Response) => {
    const subscription = shop.subscription(idOf(req))
    during(() => change(subscription, req))
    answer(shop, res, subscriptionAnswer(shop, subscription))
  }
  router.get('/subscriptions', (req, res) => {
    answerPage(shop, req, res, listed(shop, req).map((one) => subscriptionAnswer(shop, one)), ({ id }) => id)
  })
  router.get('/subscriptions/:id', (req, res) => {
    answer(shop, res, subscriptionAnswer(shop, shop.subscription(idOf(req)), namesIn(req, 'include')))
  })
  router.patch('/subscriptions/:id', action((one, req) => updateSubscription(shop, one, parsed(subscriptionChanges, req.body))))
  router.patch('/subscriptions/:id/preview', (req, res) => {
    answer(shop, res, previewUpdate(shop, shop.subscription(idOf(req)), parsed(subscriptionChanges, req.body)))
  })
  router.post('/subscriptions/:id/cancel', action((one, req) => {
    const { effective_from } = parsed(cancelRequest, req.body)
    assertEditable(shop, one)
    cancel(shop, one, effective_from ?? 'next_billing_period')
  }))
  router.post('/subscriptions/:id/pause', action((one, req) => {
    const { effective_from, resume_at } = parsed(pauseRequest, req.body)
    assertEditable(shop, one)
    pause(shop, one, effective_from ?? 'next_billing_period', resume_at ?? null)
  }))
  router.post('/subscriptions/:id/resume', action((one, req) => {
    const { effective_from, on_resume } = parsed(resumeRequest, req.body)
    assertEditable(shop, one)
    const continues = on_resume === 'continue_existing_billing_period'
    if (effective_from === 'immediately') resume(shop, one, continues ? 'continue_existing' : 'start_new')
    else if (one.status === 'paused') schedule(shop, one, { action: 'resume', effective_at: effective_from, resume_at: null })
    else pause(shop, one, 'next_billing_period', effective_from)
  }))
  router.post('/subscriptions/:id/activate', action((one) => {
    assertEditable(shop, one)
    activate(shop, one)
  }))
  router.post('/subscriptions/:id/charge', action((one, req) => chargeOnce(shop, one, parsed(chargeRequest, req.body))))
  router.get('/subscriptions/:id/update-payment-method-transaction', (req, res) => {
    const subscription = shop.subscription(idOf(req))
    answer(shop, res, transactionAnswer(shop, during(() => cardChange(shop, subscription)), []))
  })
  return router
}

function listed(shop: Shop, req: Request): Subscription[] {
  const all = matching(req, Object.values(shop.state.subscriptions), {
    id: ({ id }) => id,
    status: ({ status }) => status,
    customer_id: (one) => one.customer_id,
    scheduled_change_action: (one) => one.scheduled_change?.action ?? null
  })
  const prices = namesIn(req, 'price_id')
  return prices.length === 0 ? all : all.filter(({ items }) => items.some((item) => prices.includes(item.price_id)))
}
