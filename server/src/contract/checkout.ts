import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { idempotencyHeaders, PUBLIC, SESSION, time } from './common.ts'
import { intervalSchema, processorSchema } from './money.ts'
import { problemResponses, sessionProblems } from './problem.ts'

/** newCheckoutSchema is the body of `POST /api/billing/checkout`. */
export const newCheckoutSchema = z
  .strictObject({
    plan: z.string().max(100).meta({ example: 'growth' }),
    interval: intervalSchema,
    processor: processorSchema.optional().meta({ description: 'Who to pay at; the choice of the server when left out.' })
  })
  .meta({ id: 'NewCheckout' })

/** checkoutSchema is a page to pay at. */
export const checkoutSchema = z
  .object({
    checkoutId: z.guid(),
    url: z.string().meta({ description: 'The page to send the buyer to.' }),
    processor: processorSchema,
    plan: z.string(),
    interval: intervalSchema,
    trialDays: z
      .number()
      .int()
      .meta({ description: 'The free days asked for at the checkout; those that belong to the price are not in it.' }),
    expiresAt: time
  })
  .meta({ id: 'Checkout' })
export type CheckoutBody = z.output<typeof checkoutSchema>

/** checkoutStateSchema tells how a purchase stands; `processing` is paid but not yet set up at the processor. */
export const checkoutStateSchema = z
  .object({
    checkoutId: z.guid(),
    status: z.enum(['open', 'processing', 'complete', 'expired']),
    plan: z.string().meta({ description: 'The plan that is bought.' }),
    interval: intervalSchema,
    planInForce: z.string().meta({ description: 'The plan the account has now.' })
  })
  .meta({ id: 'CheckoutState' })
export type CheckoutStateBody = z.output<typeof checkoutStateSchema>

/** checkoutParamsSchema is the path of one purchase. */
export const checkoutParamsSchema = z.object({ checkoutId: z.guid('is not an id') })

/** returnQuerySchema is what the processor sends buyers back with; what else it adds is passed over. */
export const returnQuerySchema = z.object({
  account: z.string().regex(/^[\x21-\x7e]{1,255}$/, 'is not an account id'),
  checkout: z.guid('is not an id'),
  canceled: z.string().optional()
})

const state = { 'application/json': { schema: checkoutStateSchema } }

/** checkoutPaths is the OpenAPI part of routes/checkout.ts and routes/billing-return.ts. */
export const checkoutPaths: ZodOpenApiPathsObject = {
  '/api/billing/checkout': {
    post: {
      operationId: 'beginCheckout',
      summary: 'Begin to buy a plan',
      description:
        'An account has one purchase under way at most: the same one again answers the same page, another one ends the first.',
      tags: ['Billing'],
      security: SESSION,
      requestParams: { header: idempotencyHeaders },
      requestBody: { required: true, content: { 'application/json': { schema: newCheckoutSchema } } },
      responses: {
        201: { description: 'The page to pay at.', content: { 'application/json': { schema: checkoutSchema } } },
        ...sessionProblems(400, 403, 409, 413, 415)
      }
    }
  },
  '/api/billing/checkout/{checkoutId}': {
    get: {
      operationId: 'confirmCheckout',
      summary: 'How a purchase stands; what is paid is applied at once, without waiting for a webhook',
      tags: ['Billing'],
      security: SESSION,
      requestParams: { path: checkoutParamsSchema },
      responses: { 200: { description: 'How it stands.', content: state }, ...sessionProblems(400, 404) }
    },
    delete: {
      operationId: 'endCheckout',
      summary: 'Give a purchase up; one that is paid already stays',
      tags: ['Billing'],
      security: SESSION,
      requestParams: { path: checkoutParamsSchema },
      responses: { 200: { description: 'How it stands.', content: state }, ...sessionProblems(400, 403, 404) }
    }
  },
  '/billing/return': {
    get: {
      operationId: 'returnFromCheckout',
      summary: 'Where the processor sends buyers back to',
      tags: ['Billing'],
      security: PUBLIC,
      requestParams: { query: returnQuerySchema },
      responses: {
        200: { description: 'A page, where the web client is not built.', content: { 'text/html': { schema: z.string() } } },
        303: { description: 'To the page of the web client that confirms the purchase.' },
        ...problemResponses(400, 404, 429, 500, 503)
      }
    }
  }
}
