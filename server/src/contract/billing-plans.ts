import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { SESSION } from './common.ts'
import { moneySchema } from './money.ts'
import { planSchema } from './plans.ts'
import { sessionProblems } from './problem.ts'

const price = moneySchema.extend({ version: z.number().int() })

/** soldPlanSchema is a plan with what it costs and how it stands to what the account has. */
export const soldPlanSchema = planSchema
  .extend({
    prices: z.object({ month: price.nullable(), year: price.nullable() }).meta({ description: 'null: not sold so.' }),
    yearlySavingPercent: z.number().int().nullable().meta({ description: 'What a year saves against twelve months.', example: 15 }),
    trialDays: z
      .number()
      .int()
      .meta({ description: 'Free days before the first payment, for those who never subscribed.' }),
    current: z.boolean().meta({ description: 'This plan is in force now.' }),
    direction: z
      .enum(['upgrade', 'downgrade'])
      .nullable()
      .meta({ description: 'What a change to it would be; null for the plan in force.' })
  })
  .meta({ id: 'SoldPlan' })

/** billingPlansSchema is the answer of `GET /api/billing/plans`, the smallest plan first. */
export const billingPlansSchema = z.object({ data: z.array(soldPlanSchema) }).meta({ id: 'SoldPlans' })
export type BillingPlans = z.output<typeof billingPlansSchema>

/** billingPlanPaths is the OpenAPI part of routes/billing-plans.ts. */
export const billingPlanPaths: ZodOpenApiPathsObject = {
  '/api/billing/plans': {
    get: {
      operationId: 'listSoldPlans',
      summary: 'The plans with quotas and prices, seen from this account',
      tags: ['Billing'],
      security: SESSION,
      responses: {
        200: { description: 'All plans.', content: { 'application/json': { schema: billingPlansSchema } } },
        ...sessionProblems()
      }
    }
  }
}
