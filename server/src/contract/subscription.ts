import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { SESSION, time } from './common.ts'
import { intervalSchema, moneySchema, processorSchema } from './money.ts'
import { sessionProblems } from './problem.ts'

/** overLimitSchema is one level that is above the quota of the plan in force; nothing is deleted, nothing can be added. */
export const overLimitSchema = z
  .object({ metric: z.string(), used: z.number().int(), quota: z.number().int(), excess: z.number().int() })
  .meta({ id: 'OverLimit' })

/** subscriptionSchema is all there is to show of an account's subscription. */
export const subscriptionSchema = z
  .object({
    plan: z.string().meta({ description: 'The plan in force now.', example: 'growth' }),
    planName: z.string().meta({ example: 'Growth' }),
    status: z
      .enum(['none', 'incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled'])
      .meta({ description: '`none` without a subscription.' }),
    processor: processorSchema.nullable(),
    subscriptionId: z.string().nullable(),
    subscribedPlan: z
      .string()
      .nullable()
      .meta({ description: 'The plan that is subscribed; it differs from `plan` when a payment is overdue.' }),
    interval: intervalSchema.nullable(),
    price: moneySchema.nullable().meta({ description: 'What is paid per interval.' }),
    newestPrice: moneySchema.nullable().meta({ description: 'What new customers pay, where that differs from `price`.' }),
    periodStart: time.nullable(),
    periodEnd: time.nullable(),
    trialEndsAt: time.nullable(),
    cancelsAt: time.nullable().meta({ description: 'When a planned cancellation comes.' }),
    graceEndsAt: time.nullable().meta({ description: 'Until when an overdue plan stays in force.' }),
    suspendedBy: z
      .enum(['refund', 'dispute'])
      .nullable()
      .meta({ description: 'What took the plan away although it is paid for.' }),
    change: z
      .object({
        plan: z.string(),
        interval: intervalSchema.nullable(),
        direction: z.enum(['upgrade', 'downgrade', 'interval', 'price']),
        effectiveAt: time
      })
      .nullable()
      .meta({ description: 'The change that comes with the next period, or at the end of a trial.' }),
    operation: z
      .object({ kind: z.string().meta({ example: 'change_now' }), status: z.literal('pending') })
      .nullable()
      .meta({ description: 'What the processor is being asked for; it is settled without further requests.' }),
    checkout: z
      .object({ checkoutId: z.guid(), plan: z.string(), url: z.string().nullable() })
      .nullable()
      .meta({ description: 'The purchase under way.' }),
    overLimit: z.array(overLimitSchema),
    closedAt: time.nullable()
  })
  .meta({ id: 'Subscription' })
export type SubscriptionBody = z.output<typeof subscriptionSchema>

/** subscriptionContent is the body of every answer about the subscription. */
export const subscriptionContent = { 'application/json': { schema: subscriptionSchema } }

/** changedResponses are the answers of what changes a subscription: 202 where the processor's answer was lost. */
export const changedResponses = {
  200: { description: 'The subscription as it is now.', content: subscriptionContent },
  202: {
    description: "The processor's answer was lost: `operation.status` is `pending`, and it is settled without further requests.",
    content: subscriptionContent
  }
}

/** cancellationSchema is the body of `POST /api/billing/cancel`. */
export const cancellationSchema = z
  .strictObject({ when: z.enum(['period_end', 'now']) })
  .meta({ id: 'Cancellation', example: { when: 'period_end' } })

/** portalRequestSchema is the body of `POST /api/billing/portal`; it may be left out. */
export const portalRequestSchema = z
  .strictObject({
    returnUrl: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .meta({ description: 'Where to come back to, on an origin of this service.' })
  })
  .meta({ id: 'PortalRequest' })

/** portalSchema is the page to send the customer to, soon. */
export const portalSchema = z.object({ url: z.string() }).meta({ id: 'Portal' })
export type PortalBody = z.output<typeof portalSchema>

/** keptChatbotsSchema is the body of `PUT /api/billing/kept-chatbots`. */
export const keptChatbotsSchema = z
  .strictObject({ chatbotIds: z.array(z.guid('is not an id')).max(1000) })
  .meta({ id: 'KeptChatbots' })

const change = (operationId: string, summary: string, schema?: z.ZodType) => ({
  operationId,
  summary,
  tags: ['Billing'],
  security: SESSION,
  ...(schema && { requestBody: { required: true, content: { 'application/json': { schema } } } }),
  responses: { ...changedResponses, ...sessionProblems(400, 403, 409, 413, 415) }
})

/** subscriptionPaths is the OpenAPI part of routes/subscription.ts, routes/portal.ts and routes/kept-chatbots.ts. */
export const subscriptionPaths: ZodOpenApiPathsObject = {
  '/api/billing/subscription': {
    get: {
      operationId: 'readSubscription',
      summary: 'State, price, what is scheduled and what is under way',
      tags: ['Billing'],
      security: SESSION,
      responses: { 200: { description: 'The subscription.', content: subscriptionContent }, ...sessionProblems() }
    }
  },
  '/api/billing/cancel': {
    post: change('cancelSubscription', 'Cancel, at the end of the paid period or at once', cancellationSchema)
  },
  '/api/billing/resume': { post: change('resumeSubscription', 'Take a planned cancellation back, or end a pause') },
  '/api/billing/pause': { post: change('pauseSubscription', 'Pause: nothing is charged, and the plan is free meanwhile') },
  '/api/billing/portal': {
    post: {
      operationId: 'openPortal',
      summary: 'A page of the processor for payment methods and invoices',
      tags: ['Billing'],
      security: SESSION,
      requestBody: { required: false, content: { 'application/json': { schema: portalRequestSchema } } },
      responses: {
        200: { description: 'The page; it is open for a short time.', content: { 'application/json': { schema: portalSchema } } },
        ...sessionProblems(400, 403, 409, 413, 415)
      }
    }
  },
  '/api/billing/kept-chatbots': {
    put: {
      operationId: 'keepChatbots',
      summary: 'Choose which chatbots stay in use where the plan does not hold all',
      description: 'The others are read-only, and thaw when all fit again; nothing is deleted. None: the oldest stay.',
      tags: ['Billing'],
      security: SESSION,
      requestBody: { required: true, content: { 'application/json': { schema: keptChatbotsSchema } } },
      responses: { 200: changedResponses[200], ...sessionProblems(400, 403, 404, 413, 415) }
    }
  }
}
