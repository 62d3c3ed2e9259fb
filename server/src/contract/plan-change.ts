import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { SESSION } from './common.ts'
import { sessionProblems } from './problem.ts'

const plan = z.string().meta({ example: 'starter' })

/** planChangeSchema is the body of `POST /api/billing/plan-change/check`: the plan to change to. */
export const planChangeSchema = z.strictObject({ plan }).meta({ id: 'PlanChange' })

/** planChangeFitSchema is the answer for a plan that holds all that is there; any other is the problem `downgrade_blocked`. */
export const planChangeFitSchema = z.object({ plan, fits: z.literal(true) }).meta({ id: 'PlanChangeFit' })
export type PlanChangeFit = z.output<typeof planChangeFitSchema>

/** planChangePaths is the OpenAPI part of routes/plan-change.ts. */
export const planChangePaths: ZodOpenApiPathsObject = {
  '/api/billing/plan-change/check': {
    post: {
      operationId: 'checkPlanChange',
      summary: 'Whether what the account has fits into another plan',
      description:
        'Only levels such as chatbots can stand in the way; counters start again. Too much for the plan is the problem ' +
        '`downgrade_blocked`, whose `blockers` say what to delete first. Nothing is changed.',
      tags: ['Account'],
      security: SESSION,
      requestBody: { required: true, content: { 'application/json': { schema: planChangeSchema } } },
      responses: {
        200: { description: 'It fits.', content: { 'application/json': { schema: planChangeFitSchema } } },
        ...sessionProblems(400, 413, 415)
      }
    }
  }
}
