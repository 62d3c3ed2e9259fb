import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { SESSION, time } from './common.ts'
import { sessionProblems } from './problem.ts'

/** accountSchema is who is billed, on which plan, and the window its counters count in. */
export const accountSchema = z
  .object({
    accountId: z.string().meta({ example: 'user_2abc' }),
    plan: z.string().meta({ description: 'The plan in force now.', example: 'free' }),
    planName: z.string().meta({ example: 'Free' }),
    subscribedPlan: z
      .string()
      .nullable()
      .meta({ description: 'The plan that is subscribed; it differs from `plan` when a payment is overdue.' }),
    status: z.string().meta({ description: '`none` without a subscription.', example: 'none' }),
    processor: z.string().nullable(),
    subscriptionId: z.string().nullable(),
    windowStart: time,
    windowEnd: time,
    periodEnd: time.nullable(),
    cancelsAt: time.nullable(),
    graceEndsAt: time.nullable(),
    createdAt: time
  })
  .meta({ id: 'Account' })

/** meSchema is the answer of `GET /api/me`. */
export const meSchema = z
  .object({
    userId: z.string(),
    organizationId: z.string().nullable(),
    role: z.string().nullable().meta({ description: 'The role in the active organization.', example: 'org:admin' }),
    operator: z.boolean().meta({ description: 'May use the pages of the operator: the claim `metadata.role` of the session is `operator`.' }),
    account: accountSchema
  })
  .meta({ id: 'Me' })
export type Me = z.output<typeof meSchema>

/** mePaths is the OpenAPI part of routes/me.ts. */
export const mePaths: ZodOpenApiPathsObject = {
  '/api/me': {
    get: {
      operationId: 'readMe',
      summary: 'Who is signed in, and the account that is billed',
      tags: ['Account'],
      security: SESSION,
      responses: {
        200: { description: 'The user and the account.', content: { 'application/json': { schema: meSchema } } },
        ...sessionProblems()
      }
    }
  }
}
