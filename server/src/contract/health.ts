import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { PUBLIC } from './common.ts'
import { problemResponses } from './problem.ts'

/** aliveSchema is the answer of `GET /livez`. */
export const aliveSchema = z.object({ status: z.literal('alive') }).meta({ id: 'Alive' })

/** readySchema is the answer of `GET /readyz`. */
export const readySchema = z.object({ status: z.literal('ready'), schemaVersion: z.string().nullable() }).meta({ id: 'Ready' })
export type Ready = z.output<typeof readySchema>

const html = { 'text/html': { schema: z.string() } }

/** healthPaths is the OpenAPI part of routes/health.ts, routes/docs.ts and routes/landing.ts. */
export const healthPaths: ZodOpenApiPathsObject = {
  '/livez': {
    get: {
      operationId: 'isAlive',
      summary: 'Whether the process runs',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'It does.', content: { 'application/json': { schema: aliveSchema } } } }
    }
  },
  '/readyz': {
    get: {
      operationId: 'isReady',
      summary: 'Whether requests should be sent here; not while the server shuts down or its database is away or too old',
      tags: ['Operation'],
      security: PUBLIC,
      responses: {
        200: { description: 'They should.', content: { 'application/json': { schema: readySchema } } },
        ...problemResponses(503)
      }
    }
  },
  '/metrics': {
    get: {
      operationId: 'readMetrics',
      summary: 'Prometheus metrics, for the METRICS_TOKEN, or from this machine where none is set',
      tags: ['Operation'],
      security: [{ metricsToken: [] }],
      responses: {
        200: { description: 'Prometheus text format.', content: { 'text/plain': { schema: z.string() } } },
        ...problemResponses(401, 403, 500)
      }
    }
  },
  '/openapi.json': {
    get: {
      operationId: 'readOpenApi',
      summary: 'This document',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: z.looseObject({}) } } } }
    }
  },
  '/docs': {
    get: {
      operationId: 'showDocs',
      summary: 'This document as a page',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'The page.', content: html } }
    }
  },
  '/docs/problems': {
    get: {
      operationId: 'showProblems',
      summary: 'What the error codes mean',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'The page.', content: html } }
    }
  },
  '/docs/{file}': {
    get: {
      operationId: 'readDocsFile',
      summary: 'A file of the page',
      tags: ['Operation'],
      security: PUBLIC,
      requestParams: { path: z.object({ file: z.string() }) },
      responses: {
        200: {
          description: 'The file.',
          content: { 'text/javascript': { schema: z.string() }, 'text/css': { schema: z.string() } }
        },
        ...problemResponses(404)
      }
    }
  },
  '/': {
    get: {
      operationId: 'showLanding',
      summary: 'A page that says the service runs',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'The page.', content: html } }
    }
  },
  '/landing.css': {
    get: {
      operationId: 'readLandingStyle',
      summary: 'How the pages look',
      tags: ['Operation'],
      security: PUBLIC,
      responses: { 200: { description: 'The file.', content: { 'text/css': { schema: z.string() } } } }
    }
  }
}
