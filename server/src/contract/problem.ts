import { z } from 'zod'
import type { ZodOpenApiResponsesObject } from 'zod-openapi'

/** limitSchema tells numbers about the quota that refused; `resetsAt` is null for levels, which never start again. */
export const limitSchema = z
  .object({
    metric: z.string(),
    used: z.number(),
    quota: z.number().nullable(),
    remaining: z.number().nullable(),
    resetsAt: z.string().nullable(),
    requested: z.number()
  })
  .meta({ id: 'Limit', description: 'The quota that refused. `resetsAt` is null for levels such as chatbots.' })
export type Limit = z.output<typeof limitSchema>

/** resolutionSchema is one thing the caller can do; `action` is for programs, the other members belong to the action. */
export const resolutionSchema = z
  .looseObject({
    action: z.enum([
      'upgrade',
      'delete',
      'wait',
      'retry',
      'link_account',
      'checkout',
      'change_plan',
      'portal',
      'undo_change',
      'resume',
      'cancel',
      'choose_chatbots',
      'raise_cap'
    ])
  })
  .meta({ id: 'Resolution' })
export type Resolution = z.output<typeof resolutionSchema>

/** fieldErrorSchema names a field as it is written in the request (`items.0.name`), empty for the whole. */
export const fieldErrorSchema = z.object({ field: z.string(), problem: z.string() }).meta({ id: 'FieldError' })
export type FieldError = z.output<typeof fieldErrorSchema>

/** blockerSchema is one level that is above the quota of the plan to change to; `excess` is how much of it to remove. */
export const blockerSchema = z
  .object({ metric: z.string(), used: z.number(), quota: z.number(), excess: z.number(), message: z.string() })
  .meta({ id: 'Blocker' })
export type Blocker = z.output<typeof blockerSchema>

/** problemSchema is the body of every error: RFC 9457 `application/problem+json` with Parley's members. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string(),
    requestId: z.string(),
    limit: limitSchema.optional(),
    resolutions: z.array(resolutionSchema).optional(),
    errors: z.array(fieldErrorSchema).optional(),
    blockers: z.array(blockerSchema).optional()
  })
  .meta({
    id: 'Problem',
    example: {
      type: '/docs/problems#quota_exceeded',
      title: 'Plan quota used up',
      status: 402,
      code: 'quota_exceeded',
      detail: 'Limit reached: 1 of 1 chatbots are used on the free plan. Delete some or upgrade the plan.',
      instance: '/api/chatbots',
      requestId: '5f1c2f0e-6f0e-4c57-8f0e-3a7d1f0c9b12',
      limit: { metric: 'chatbots', used: 1, quota: 1, remaining: 0, resetsAt: null, requested: 1 },
      resolutions: [{ action: 'upgrade' }, { action: 'delete', metric: 'chatbots', count: 1 }]
    }
  })
export type ProblemBody = z.output<typeof problemSchema>

const DESCRIPTIONS = {
  400: 'The request is malformed; `errors` names the fields.',
  401: 'No valid session token.',
  402: 'The plan has no more of this, or the payment was declined; `limit` has the numbers, `resolutions` what helps.',
  403: 'Not allowed from this origin or for this role.',
  404: 'There is no such object in this account.',
  409: 'It cannot be now: `code` and `resolutions` say what comes first. Or a request with this Idempotency-Key is still running.',
  413: 'The body is too large.',
  415: 'The body has a media type or encoding that is not read here.',
  422: 'The Idempotency-Key was used with another request, or the content cannot be read.',
  429: 'Too many requests in a short time; wait as `Retry-After` says.',
  500: 'A fault of the server; the log has more under `requestId`.',
  503: 'A part of the service is away for the moment; repeat as `Retry-After` says.'
} as const

/** ProblemStatus are the error statuses of the contract. */
export type ProblemStatus = keyof typeof DESCRIPTIONS

/** problemResponses is the OpenAPI part for the given error statuses, all with the same body. */
export function problemResponses(...statuses: ProblemStatus[]): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {}
  for (const status of statuses) {
    responses[`${status}`] = {
      description: DESCRIPTIONS[status],
      content: { 'application/problem+json': { schema: problemSchema } }
    }
  }
  return responses
}

/** sessionProblems are the error answers every route with a session may give, and those given on top. */
export function sessionProblems(...statuses: ProblemStatus[]): ZodOpenApiResponsesObject {
  return problemResponses(401, 429, 500, 503, ...statuses)
}
