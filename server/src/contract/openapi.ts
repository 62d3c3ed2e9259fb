import { createDocument } from 'zod-openapi'
import { adminPaths } from './admin.ts'
import { billingPlanPaths } from './billing-plans.ts'
import { chatbotPaths } from './chatbots.ts'
import { checkoutPaths } from './checkout.ts'
import { conversationPaths } from './conversations.ts'
import { documentPaths } from './documents.ts'
import { healthPaths } from './health.ts'
import { invoicePaths } from './invoices.ts'
import { localSessionPaths } from './local-session.ts'
import { mePaths } from './me.ts'
import { messagePaths } from './messages.ts'
import { planChangePaths } from './plan-change.ts'
import { planPaths } from './plans.ts'
import { sandboxPaths } from './sandbox.ts'
import { subscriptionPaths } from './subscription.ts'
import { usageHistoryPaths } from './usage-history.ts'
import { usagePaths } from './usage.ts'
import { webhookPaths } from './webhooks.ts'
import { widgetPaths } from './widget.ts'

/** openApiDocument describes the HTTP interface in OpenAPI 3.1, from the schemas that validate requests. */
export function openApiDocument(): ReturnType<typeof createDocument> {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '0.1.0',
      description:
        'Chatbots with documents, on plans whose quotas are exact. Errors are `application/problem+json` (RFC 9457); ' +
        '/docs/problems lists their codes. Times are RFC 3339 in UTC. Unlimited is null.'
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Account' },
      { name: 'Plans' },
      { name: 'Billing' },
      { name: 'Chatbots' },
      { name: 'Documents' },
      { name: 'Conversations' },
      { name: 'Widget' },
      { name: 'Webhooks' },
      { name: 'Operation' },
      { name: 'Operator' }
    ],
    paths: {
      ...mePaths,
      ...usagePaths,
      ...usageHistoryPaths,
      ...planPaths,
      ...billingPlanPaths,
      ...subscriptionPaths,
      ...checkoutPaths,
      ...planChangePaths,
      ...invoicePaths,
      ...chatbotPaths,
      ...documentPaths,
      ...conversationPaths,
      ...messagePaths,
      ...widgetPaths,
      ...webhookPaths,
      ...healthPaths,
      ...adminPaths,
      ...sandboxPaths,
      ...localSessionPaths
    },
    components: {
      securitySchemes: {
        sessionToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A Clerk session token. The account is its active organization, else its user.'
        },
        sessionCookie: {
          type: 'apiKey',
          in: 'cookie',
          name: '__session',
          description: 'The same token as Clerk sets it in browsers; writing needs an origin of CLERK_AUTHORIZED_PARTIES.'
        },
        visitorToken: { type: 'http', scheme: 'bearer', description: 'The token of a visit through the widget (`openVisit`).' },
        metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN of the server.' }
      }
    }
  })
}
