import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { PUBLIC, time } from './common.ts'
import { problemResponses } from './problem.ts'

const id = z
  .string()
  .trim()
  .regex(/^[\w.@:-]{1,100}$/, 'is not 1 to 100 letters, digits and . _ - @ :')
  .meta({ example: 'alice' })

/** newLocalSessionSchema is who to be: a user, alone or in an organization, and whether as an operator. */
export const newLocalSessionSchema = z
  .strictObject({
    userId: id,
    organization: z.strictObject({ id, role: z.enum(['admin', 'member']) }).optional(),
    operator: z.boolean().default(false)
  })
  .meta({ id: 'NewLocalSession' })
export type NewLocalSession = z.input<typeof newLocalSessionSchema>

/** localSessionSchema is a session token, as Clerk would issue it after a sign-in. */
export const localSessionSchema = z.object({ token: z.string(), expiresAt: time }).meta({ id: 'LocalSession' })
export type LocalSession = z.output<typeof localSessionSchema>

/** localSessionPaths is the OpenAPI part of routes/local-session.ts. */
export const localSessionPaths: ZodOpenApiPathsObject = {
  '/sandbox/session': {
    post: {
      operationId: 'signInLocally',
      summary: 'Sign in as anybody; only where the sign-in is local, and then for pages of this server only',
      tags: ['Operation'],
      security: PUBLIC,
      requestBody: { required: true, content: { 'application/json': { schema: newLocalSessionSchema } } },
      responses: {
        200: { description: 'A session token.', content: { 'application/json': { schema: localSessionSchema } } },
        ...problemResponses(400, 403, 404, 413, 415, 500)
      }
    }
  }
}
