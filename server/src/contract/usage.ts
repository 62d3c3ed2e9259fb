import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { quota, SESSION, time } from './common.ts'
import { sessionProblems } from './problem.ts'

/** metricUsageSchema is one meter. A counter starts again at `resetsAt`; a gauge is a level and never does. */
export const metricUsageSchema = z
  .object({
    metric: z.string().meta({ example: 'messages' }),
    title: z.string().meta({ example: 'Messages' }),
    kind: z.enum(['counter', 'gauge']),
    unit: z.string().meta({ example: 'message' }),
    used: z.number().int().meta({ example: 42 }),
    quota,
    remaining: z.number().int().nullable().meta({ example: 58 }),
    resetsAt: time.nullable(),
    forecast: z
      .object({
        projected: z.number().int().meta({ description: 'What is used at the end of the window at the pace so far.' }),
        reachesQuotaAt: time.nullable().meta({ description: 'When the quota is used up at that pace; null: not in this window.' })
      })
      .nullable()
      .meta({ description: 'null: a level, or too early in the window to tell.' })
  })
  .meta({ id: 'MetricUsage' })

/** usageSchema is the answer of `GET /api/usage`. */
export const usageSchema = z
  .object({
    plan: z.string().meta({ example: 'free' }),
    windowStart: time.nullable(),
    resetsAt: time.nullable(),
    asOf: time.meta({ description: 'When these numbers were read.' }),
    metrics: z.array(metricUsageSchema)
  })
  .meta({ id: 'Usage' })
export type Usage = z.output<typeof usageSchema>

/** usagePaths is the OpenAPI part of routes/usage.ts. */
export const usagePaths: ZodOpenApiPathsObject = {
  '/api/usage': {
    get: {
      operationId: 'readUsage',
      summary: 'What is used of what the plan allows',
      tags: ['Account'],
      security: SESSION,
      responses: {
        200: { description: 'One entry per metric.', content: { 'application/json': { schema: usageSchema } } },
        ...sessionProblems()
      }
    }
  }
}
