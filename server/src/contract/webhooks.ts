import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { PUBLIC } from './common.ts'
import { problemResponses } from './problem.ts'

/** receivedSchema is the answer to a stored delivery; what became of it is the inbox's business, so it is always 200. */
export const receivedSchema = z
  .object({
    received: z.literal(true),
    outcome: z.enum(['processed', 'duplicate', 'stale', 'ignored', 'failed', 'dead'])
  })
  .meta({ id: 'ReceivedWebhook' })
export type ReceivedWebhook = z.output<typeof receivedSchema>

/** webhookPaths is the OpenAPI part of routes/webhooks.ts. */
export const webhookPaths: ZodOpenApiPathsObject = {
  '/webhooks/{processor}': {
    post: {
      operationId: 'receiveWebhook',
      summary: 'Where payment processors and Clerk deliver their events, signed',
      tags: ['Webhooks'],
      security: PUBLIC,
      requestParams: {
        path: z.object({ processor: z.enum(['stripe', 'paddle', 'razorpay', 'clerk']) }),
        header: z.object({
          'Stripe-Signature': z.string().optional(),
          'Paddle-Signature': z.string().optional(),
          'X-Razorpay-Signature': z.string().optional(),
          'svix-id': z.string().optional(),
          'svix-timestamp': z.string().optional(),
          'svix-signature': z.string().optional()
        })
      },
      requestBody: {
        required: true,
        content: { 'application/json': { schema: z.looseObject({}).meta({ description: 'The event as the processor sends it.' }) } }
      },
      responses: {
        200: { description: 'Stored.', content: { 'application/json': { schema: receivedSchema } } },
        ...problemResponses(400, 401, 404, 413, 415, 500, 503)
      }
    }
  }
}
