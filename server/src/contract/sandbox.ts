import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { PUBLIC, time } from './common.ts'
import { problemResponses } from './problem.ts'

/** clockMoveSchema is how the clock is to move: by a span (months by the calendar, in UTC), or to a time. */
export const clockMoveSchema = z
  .union([
    z.strictObject({
      advance: z
        .string()
        .regex(/^[1-9][0-9]{0,8} (second|minute|hour|day|week|month|year)s?$/, 'is a span such as 1 month, 14 days or 2 hours')
        .meta({ example: '1 month' })
    }),
    z.strictObject({ to: z.iso.datetime({ offset: true, error: 'is a time such as 2027-01-31T00:00:00Z' }) })
  ])
  .meta({ id: 'ClockMove' })
export type ClockMove = z.output<typeof clockMoveSchema>

/** clockSchema is what time it is for Parley, and before a move. */
export const clockSchema = z.object({ now: time, before: time.optional() }).meta({ id: 'Clock' })
export type ClockBody = z.output<typeof clockSchema>

const clock = { 'application/json': { schema: clockSchema } }

/** sandboxPaths is the OpenAPI part of routes/sandbox-clock.ts. */
export const sandboxPaths: ZodOpenApiPathsObject = {
  '/sandbox/clock': {
    get: {
      operationId: 'readClock',
      summary: 'What time it is; only in a sandbox, 404 elsewhere',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'The time.', content: clock }, ...problemResponses(404, 500, 503) }
    },
    post: {
      operationId: 'moveClock',
      summary: 'Let time pass: renewals, ends of trials and retries in between happen in their order',
      tags: ['Operation'],
      security: PUBLIC,
      requestBody: { required: true, content: { 'application/json': { schema: clockMoveSchema } } },
      responses: {
        200: { description: 'The time afterwards.', content: clock },
        ...problemResponses(400, 403, 404, 409, 413, 415, 500, 503)
      }
    }
  }
}
