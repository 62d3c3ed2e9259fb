import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { idempotencyHeaders, quota, replayedHeaders, SESSION, time } from './common.ts'
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

/** chargeSchema is the body of `POST /api/usage`. */
export const chargeSchema = z
  .strictObject({
    metric: z.string('is not text').min(1, 'is empty').max(63, 'is longer than 63 characters').regex(/^[a-z][a-z_]*$/, 'is not a metric').meta({ example: 'api_calls' }),
    amount: z.int('is not a whole number').min(1, 'is less than 1').max(1_000_000_000, 'is more than 1,000,000,000').default(1)
  })
  .meta({ id: 'Charge' })

/** chargedSchema is its answer: how the metric stands after it. */
export const chargedSchema = z
  .object({
    metric: z.string().meta({ example: 'api_calls' }),
    amount: z.number().int().meta({ example: 1 }),
    plan: z.string().meta({ example: 'free' }),
    used: z.number().int().meta({ example: 43 }),
    quota,
    remaining: z.number().int().nullable().meta({ example: 57 }),
    resetsAt: time.nullable()
  })
  .meta({ id: 'Charged' })
export type Charged = z.output<typeof chargedSchema>

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
    },
    post: {
      operationId: 'chargeUsage',
      summary: 'Take an amount of a metric, if the plan allows it',
      description:
        'For what your own code measures. Decided exactly however many ask at once, and on record before it is answered. ' +
        'Chatbots and storage move with what is created and deleted, not here.',
      tags: ['Account'],
      security: SESSION,
      requestParams: { header: idempotencyHeaders },
      requestBody: { required: true, content: { 'application/json': { schema: chargeSchema } } },
      responses: {
        200: { description: 'Taken.', headers: replayedHeaders, content: { 'application/json': { schema: chargedSchema } } },
        ...sessionProblems(400, 402, 413, 415, 422)
      }
    }
  }
}
