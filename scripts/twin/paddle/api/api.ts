import { json, Router } from 'express'
import { adjustmentRoutes } from './adjustments.ts'
import { catalogRoutes } from './catalog.ts'
import type { Context } from './context.ts'
import { customerRoutes } from './customers.ts'
import { faultHandler, noSuchUrl, requireKey } from './faults.ts'
import { notificationRoutes } from './notifications.ts'
import { subscriptionRoutes } from './subscriptions.ts'
import { transactionRoutes } from './transactions.ts'

const ROUTES = [catalogRoutes, customerRoutes, transactionRoutes, subscriptionRoutes, adjustmentRoutes, notificationRoutes]

/** apiRoutes is the part of the Paddle API that the twin has; every answer is made after what is due has happened. */
export function apiRoutes(context: Context, apiKey: string): Router {
  const router = Router()
  router.use(requireKey(apiKey))
  router.use(json({ limit: '256kb' }))
  router.use((_req, _res, next) => {
    context.catchUp()
    next()
  })
  for (const routes of ROUTES) router.use(routes(context))
  router.use(noSuchUrl)
  router.use(faultHandler(context.shop))
  return router
}
