import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { PUBLIC, quota } from './common.ts'
import { problemResponses } from './problem.ts'

/** planSchema is one plan with what it allows of every metric. */
export const planSchema = z
  .object({
    plan: z.string().meta({ example: 'starter' }),
    name: z.string().meta({ example: 'Starter' }),
    quotas: z.array(
      z.object({
        metric: z.string().meta({ example: 'messages' }),
        title: z.string().meta({ example: 'Messages' }),
        unit: z.string().meta({ example: 'message' }),
        kind: z.enum(['counter', 'gauge']),
        quota
      })
    )
  })
  .meta({ id: 'Plan' })

/** plansSchema is the answer of `GET /api/plans`, the smallest plan first. */
export const plansSchema = z.object({ data: z.array(planSchema) }).meta({ id: 'Plans' })
export type Plans = z.output<typeof plansSchema>

/** planPaths is the OpenAPI part of routes/plans.ts. */
export const planPaths: ZodOpenApiPathsObject = {
  '/api/plans': {
    get: {
      operationId: 'listPlans',
      summary: 'The plans there are',
      tags: ['Plans'],
      security: PUBLIC,
      responses: {
        200: { description: 'All plans.', content: { 'application/json': { schema: plansSchema } } },
        ...problemResponses(429, 500, 503)
      }
    }
  }
}
