import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { idempotencyHeaders, quota, replayedHeaders, SESSION, time } from './common.ts'
import { intervalSchema, moneySchema } from './money.ts'
import { blockerSchema, sessionProblems } from './problem.ts'
import { changedResponses } from './subscription.ts'

const plan = z.string().max(100).meta({ example: 'starter' })

/** planCheckSchema is the body of `POST /api/billing/plan-change/check`: the plan to change to. */
export const planCheckSchema = z.strictObject({ plan }).meta({ id: 'PlanCheck' })

/** planChangeFitSchema is the answer for a plan that holds all that is there; any other is the problem `downgrade_blocked`. */
export const planChangeFitSchema = z.object({ plan, fits: z.literal(true) }).meta({ id: 'PlanChangeFit' })
export type PlanChangeFit = z.output<typeof planChangeFitSchema>

/** planChangeSchema is the plan and interval to change to. */
export const planChangeSchema = z.strictObject({ plan, interval: intervalSchema }).meta({ id: 'PlanChange' })

/** quotaChangeSchema is what a change does to one metric. */
export const quotaChangeSchema = z
  .object({ metric: z.string(), title: z.string(), unit: z.string(), quotaNow: quota, quotaThen: quota })
  .meta({ id: 'QuotaChange' })
export type QuotaChange = z.output<typeof quotaChangeSchema>

/** candidateSchema is something that could be deleted to make a plan fit. */
export const candidateSchema = z
  .object({
    id: z.guid(),
    chatbotId: z.guid().meta({ description: 'The chatbot itself, or the one a document belongs to.' }),
    name: z.string(),
    sizeBytes: z.number().int().nullable(),
    createdAt: time,
    readOnly: z.boolean().meta({ description: 'It would be read-only on that plan.' })
  })
  .meta({ id: 'DowngradeCandidate' })

/** planChangePreviewSchema tells what a change would mean: when, what it gives and takes, and what stands in its way. */
export const planChangePreviewSchema = z
  .object({
    outcome: z.enum([
      'possible',
      'blocked',
      'no_subscription',
      'same',
      'past_due',
      'not_running',
      'suspended',
      'canceling',
      'pending',
      'busy',
      'not_sold'
    ]),
    direction: z.enum(['upgrade', 'downgrade', 'interval', 'price']).nullable(),
    takesEffect: z.enum(['now', 'period_end']).nullable(),
    effectiveAt: time.nullable(),
    price: z.object({ from: moneySchema.nullable(), to: moneySchema.nullable() }),
    dueNow: moneySchema
      .extend({ estimated: z.boolean() })
      .nullable()
      .meta({
        description: 'What would be charged at once (negative: credited); null where the processor does not tell beforehand.'
      }),
    gains: z.array(quotaChangeSchema),
    losses: z.array(quotaChangeSchema),
    blockers: z.array(blockerSchema.extend({ candidates: z.array(candidateSchema) }).meta({ id: 'BlockerWithCandidates' }))
  })
  .meta({ id: 'PlanChangePreview' })
export type PlanChangePreview = z.output<typeof planChangePreviewSchema>

const body = (schema: z.ZodType) => ({ required: true, content: { 'application/json': { schema } } })

/** planChangePaths is the OpenAPI part of routes/plan-change.ts and routes/plan-change-preview.ts. */
export const planChangePaths: ZodOpenApiPathsObject = {
  '/api/billing/plan-change/check': {
    post: {
      operationId: 'checkPlanChange',
      summary: 'Whether what the account has fits into another plan',
      description:
        'Only levels such as chatbots can stand in the way; counters start again. Too much for the plan is the problem ' +
        '`downgrade_blocked`, whose `blockers` say what to delete first. Nothing is changed.',
      tags: ['Billing'],
      security: SESSION,
      requestBody: body(planCheckSchema),
      responses: {
        200: { description: 'It fits.', content: { 'application/json': { schema: planChangeFitSchema } } },
        ...sessionProblems(400, 413, 415)
      }
    }
  },
  '/api/billing/plan-change/preview': {
    post: {
      operationId: 'previewPlanChange',
      summary: 'What a change of plan would cost, give and take, and when',
      tags: ['Billing'],
      security: SESSION,
      requestBody: body(planChangeSchema),
      responses: {
        200: {
          description: 'What it would mean. Nothing is changed.',
          content: { 'application/json': { schema: planChangePreviewSchema } }
        },
        ...sessionProblems(400, 413, 415)
      }
    }
  },
  '/api/billing/plan-change': {
    post: {
      operationId: 'changePlan',
      summary: 'Change the plan or the interval',
      description:
        'A larger plan, or a year instead of months, comes at once and is charged at once (during a trial: at its end); where the ' +
        'payment is declined nothing changes. A smaller one comes with the next period, and until then nothing may be added ' +
        'that it would not hold.',
      tags: ['Billing'],
      security: SESSION,
      requestParams: { header: idempotencyHeaders },
      requestBody: body(planChangeSchema),
      responses: {
        200: { ...changedResponses[200], headers: replayedHeaders },
        202: { ...changedResponses[202], headers: replayedHeaders },
        ...sessionProblems(400, 402, 403, 409, 413, 415, 422)
      }
    },
    delete: {
      operationId: 'undoPlanChange',
      summary: 'Take back the change that is scheduled',
      tags: ['Billing'],
      security: SESSION,
      responses: { ...changedResponses, ...sessionProblems(403, 409) }
    }
  }
}
