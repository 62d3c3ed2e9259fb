import express, { type Express, type Router } from 'express'
import type { Logger } from 'pino'
import type { EventSource, Processor } from './billing/processor.ts'
import type { Config } from './config.ts'
import type { Database } from './db/database.ts'
import type { UsageBatcher } from './db/usage-batcher.ts'
import { allowOrigins, endPreflight } from './http/cross-origin.ts'
import { answerJsonPlainly } from './http/json-answer.ts'
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
 * the root, so that a route is found by searching for it and metrics know it by its pattern; `beneath` only spares a request
 * those that cannot take it. The order below is the order of the checks: nobody's body is parsed before it is known who sends it,
 * and webhooks keep their raw bytes.
 */
export function createApp(parts: Parts): Express {
  const { config } = parts
  const app = express()
  app.disable('x-powered-by')
  // What the API answers is not stored anywhere; files have their own.
  app.disable('etag')
  app.set('trust proxy', config.trustProxyHops)

  answerJsonPlainly(app)

  app.use(logRequests(app, parts.log), measureRequests(parts.metrics), securityHeaders(config.production))
  app.use((_req, res, next) => {
    // Keep-alive connections would otherwise bring further requests to a server that is going down.
    if (parts.lifecycle.draining) res.set('Connection', 'close')
    next()
  })

  app.use(beneath('/api'), apiRouter(parts))
  app.use(webhooksRouter(parts), healthRouter(parts), docsRouter(), landingRouter(parts))
  app.use(billingReturnRouter(parts), sandboxClockRouter(parts), localSessionRouter(parts), clientAssetsRouter(parts))
  // Visitors of other sites: no session, and limits of their own.
  app.use(widgetPageRouter(parts), widgetRouter(parts))

  app.use(clientPageRouter(parts))
  app.use(notFound)
  app.use(problemHandler)
  return app
}

function apiRouter(parts: Parts): Router {
  const { config } = parts
  const api = express.Router()
  api.use(allowOrigins(parts), limitByAddress(config.rateLimits), endPreflight)
  api.use((_req, res, next) => {
    res.setHeader('Cache-Control', 'no-store')
    next()
  })
  api.use(beneath('/api/plans'), plansRouter(parts))
  api.use(requireSession(parts), limitByAccount(config.rateLimits))
  api.use(beneath('/api/admin'), requireOperator)
  // Uploads are larger than other bodies, and are not read at all when they cannot fit.
  api.use(beneath('/api/chatbots'), documentsRouter(parts))
  api.use(...jsonBody())
  api.use(beneath('/api/usage'), usageRouter(parts), usageHistoryRouter(parts))
  api.use(beneath('/api/me'), meRouter(parts))
  api.use(beneath('/api/chatbots'), chatbotsRouter(parts), conversationsRouter(parts), messagesRouter(parts), widgetSettingsRouter(parts))
  const billing = beneath('/api/billing')
  api.use(billing, subscriptionRouter(parts), billingPlansRouter(parts), checkoutRouter(parts), portalRouter(parts))
  api.use(billing, invoicesRouter(parts), keptChatbotsRouter(parts), planChangeRouter(parts), planChangePreviewRouter(parts))
  const admin = beneath('/api/admin')
  api.use(admin, adminAccountsRouter(parts), adminInboxRouter(parts), adminReconciliationRouter(parts), adminDoctorRouter(parts))
  return api
}

/** beneath matches a path and what lies beneath it, and takes nothing from it: Express removes what a mount path has matched. */
function beneath(path: string): RegExp {
  return new RegExp(`^(?=${path}(?:/|$))`, 'i')
}
