import express, { type Express } from 'express'
import helmet from 'helmet'
import type { Logger } from 'pino'
import type { EventSource, Processor } from './billing/processor.ts'
import type { Config } from './config.ts'
import type { Database } from './db/database.ts'
import type { UsageBatcher } from './db/usage-batcher.ts'
import { allowOrigins, endPreflight } from './http/cross-origin.ts'
import { jsonBody } from './http/json-body.ts'
import type { Lifecycle } from './http/lifecycle.ts'
import { measureRequests, type Metrics } from './http/metrics.ts'
import { requireOperator } from './http/operator-role.ts'
import { notFound, problemHandler } from './http/problem-handler.ts'
import { limitByAccount, limitByAddress } from './http/rate-limits.ts'
import { logRequests } from './http/request-log.ts'
import { securityHeaders } from './http/security-headers.ts'
import { requireSession } from './http/session.ts'
import type { SessionCache } from './http/session-cache.ts'
import type { AnswerModel } from './llm/model.ts'
import type { RunningAnswers } from './llm/running-answers.ts'
import { adminAccountsRouter } from './routes/admin-accounts.ts'
import { adminDoctorRouter } from './routes/admin-doctor.ts'
import { adminInboxRouter } from './routes/admin-inbox.ts'
import { adminReconciliationRouter } from './routes/admin-reconciliation.ts'
import { billingPlansRouter } from './routes/billing-plans.ts'
import { billingReturnRouter } from './routes/billing-return.ts'
import { chatbotsRouter } from './routes/chatbots.ts'
import { clientAssetsRouter, clientPageRouter } from './routes/client.ts'
import { checkoutRouter } from './routes/checkout.ts'
import { conversationsRouter } from './routes/conversations.ts'
import { docsRouter } from './routes/docs.ts'
import { documentsRouter } from './routes/documents.ts'
import { healthRouter } from './routes/health.ts'
import { invoicesRouter } from './routes/invoices.ts'
import { keptChatbotsRouter } from './routes/kept-chatbots.ts'
import { landingRouter } from './routes/landing.ts'
import { localSessionRouter } from './routes/local-session.ts'
import { meRouter } from './routes/me.ts'
import { messagesRouter } from './routes/messages.ts'
import { planChangePreviewRouter } from './routes/plan-change-preview.ts'
import { planChangeRouter } from './routes/plan-change.ts'
import { plansRouter } from './routes/plans.ts'
import { portalRouter } from './routes/portal.ts'
import { sandboxClockRouter } from './routes/sandbox-clock.ts'
import { subscriptionRouter } from './routes/subscription.ts'
import { usageHistoryRouter } from './routes/usage-history.ts'
import { usageRouter } from './routes/usage.ts'
import { webhooksRouter } from './routes/webhooks.ts'
import { widgetPageRouter } from './routes/widget-page.ts'
import { widgetSettingsRouter } from './routes/widget-settings.ts'
import { widgetRouter } from './routes/widget.ts'

/** Parts is everything a route may need; server.ts makes them, tests make their own. */
export type Parts = {
  config: Config
  db: Database
  /** usage decides what a request takes of a quota, many requests at once. */
  usage: UsageBatcher
  model: AnswerModel
  processors: Processor[]
  /** sources are all who deliver webhooks: the processors, and Clerk. */
  sources: EventSource[]
  log: Logger
  lifecycle: Lifecycle
  answers: RunningAnswers
  metrics: Metrics
  sessionCache: SessionCache
  /** retryWebhooksSoon wakes the job that retries stored deliveries. */
  retryWebhooksSoon: () => void
  /** runJobsOnce does everything that is due now, for a clock that was moved. */
  runJobsOnce: () => Promise<void>
  /** nowMs is Parley's clock; followClock brings it in line with the database's. */
  nowMs: () => number
  followClock: () => Promise<void>
}

/**
 * createApp puts the HTTP interface together. Routers spell whole paths (`/api/chatbots/:chatbotId`) and are mounted at
 * the root, so that a route is found by searching for it and metrics know it by its pattern. The order below is the order
 * of the checks: nobody's body is parsed before it is known who sends it, and webhooks keep their raw bytes.
 */
export function createApp(parts: Parts): Express {
  const { config } = parts
  const app = express()
  app.disable('x-powered-by')
  // What the API answers is not stored anywhere; files have their own.
  app.disable('etag')
  app.set('trust proxy', config.trustProxyHops)

  app.use(logRequests(parts.log), measureRequests(parts.metrics), helmet(securityHeaders(config.production)))
  app.use((_req, res, next) => {
    // Keep-alive connections would otherwise bring further requests to a server that is going down.
    if (parts.lifecycle.draining) res.set('Connection', 'close')
    next()
  })

  // Most requests are for /api, and need not be compared with every route before it.
  const beforeApi = express.Router()
  app.use(/^(?!\/api\/)/, beforeApi)
  beforeApi.use(webhooksRouter(parts), healthRouter(parts), docsRouter(), landingRouter(parts))
  beforeApi.use(billingReturnRouter(parts), sandboxClockRouter(parts), localSessionRouter(parts), clientAssetsRouter(parts))
  // Visitors of other sites: no session, and limits of their own.
  beforeApi.use(widgetPageRouter(parts), widgetRouter(parts))

  app.use('/api', allowOrigins(parts), limitByAddress(config.rateLimits), endPreflight)
  app.use('/api', (_req, res, next) => {
    res.set('Cache-Control', 'no-store')
    next()
  })
  app.use(plansRouter(parts))
  app.use('/api', requireSession(parts), limitByAccount(config.rateLimits))
  app.use('/api/admin', requireOperator)
  // Uploads are larger than other bodies, and are not read at all when they cannot fit.
  app.use(documentsRouter(parts))
  app.use('/api', ...jsonBody())
  app.use(meRouter(parts), usageRouter(parts), usageHistoryRouter(parts))
  app.use(subscriptionRouter(parts), billingPlansRouter(parts), checkoutRouter(parts), portalRouter(parts))
  app.use(invoicesRouter(parts), keptChatbotsRouter(parts))
  app.use(planChangeRouter(parts), planChangePreviewRouter(parts))
  app.use(adminAccountsRouter(parts), adminInboxRouter(parts), adminReconciliationRouter(parts), adminDoctorRouter(parts))
  app.use(chatbotsRouter(parts), conversationsRouter(parts), messagesRouter(parts), widgetSettingsRouter(parts))

  app.use(clientPageRouter(parts))
  app.use(notFound)
  app.use(problemHandler)
  return app
}
