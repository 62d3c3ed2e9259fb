import { z } from 'zod'

/** time is an instant as HTTP answers carry it: RFC 3339 in UTC. */
export const time = z.string().meta({ format: 'date-time', example: '2026-12-20T09:30:00.000Z' })

/** quota is the most a plan allows; null is unlimited. */
export const quota = z.number().int().nullable().meta({ description: 'The most the plan allows; null is unlimited.', example: 100 })

/** idempotencyHeaders belongs to every POST that costs or creates. */
export const idempotencyHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({
      description:
        'Makes the request safe to repeat: with the same key and body it happens once and is answered alike, with ' +
        '`Idempotent-Replayed: true`. Another body answers 422, a request still running 409.',
      example: '0f0e8bd1-7a2c-4b7c-9d0b-7d8f0a3f5b11'
    })
})

/** replayedHeaders is on the answer to a repetition. */
export const replayedHeaders = z.object({
  'Idempotent-Replayed': z.literal('true').optional().meta({ description: 'Present when this answer was given before.' })
})

/** SESSION is the security requirement of every route that needs a signed-in user. */
export const SESSION: { [scheme: string]: string[] }[] = [{ sessionToken: [] }, { sessionCookie: [] }]

/** PUBLIC is the security requirement of a route anybody may call. */
export const PUBLIC: { [scheme: string]: string[] }[] = []
