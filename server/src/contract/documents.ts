import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { chatbotParamsSchema } from './chatbots.ts'
import { idempotencyHeaders, quota, replayedHeaders, SESSION, time } from './common.ts'
import { pageOf, pageSchema } from './page.ts'
import { sessionProblems } from './problem.ts'

/** DOCUMENT_BYTES_LIMIT is the largest upload: 10 MiB. */
export const DOCUMENT_BYTES_LIMIT = 10 * 1024 * 1024

/** documentSchema is a document without its text. `sizeBytes` is the size as uploaded, which is what storage counts. */
export const documentSchema = z
  .object({
    documentId: z.guid(),
    chatbotId: z.guid(),
    name: z.string(),
    mediaType: z.string(),
    sizeBytes: z.number().int(),
    passageCount: z.number().int(),
    createdAt: time
  })
  .meta({ id: 'Document' })
export type DocumentBody = z.output<typeof documentSchema>

/** documentNameSchema: 1 to 255 characters on one line. */
export const documentNameSchema = z
  .string()
  .trim()
  .min(1, 'needs at least one character')
  .refine((name) => [...name].length <= 255, 'has more than 255 characters')
  .refine((name) => !/\p{Cc}/u.test(name) && name.isWellFormed(), 'has a control character or half a surrogate pair')
  .meta({ example: 'handbook.md' })

/** newDocumentSchema is a document as JSON. Without `mediaType`, a name that ends in .md is Markdown. */
export const newDocumentSchema = z
  .strictObject({
    name: documentNameSchema,
    text: z.string().min(1, 'is empty').meta({ example: '# Refunds\n\nRefunds take 14 days.' }),
    mediaType: z.enum(['text/plain', 'text/markdown']).optional()
  })
  .meta({ id: 'NewDocument' })

/** documentCheckSchema asks whether an upload of that size would fit. */
export const documentCheckSchema = z
  .strictObject({ sizeBytes: z.int().min(1).max(1_000_000_000) })
  .meta({ id: 'DocumentCheck', example: { sizeBytes: 48_211 } })

/** documentFitSchema tells whether it fits: into the plan's storage, and under the size a single document may have. */
export const documentFitSchema = z
  .object({
    fits: z.boolean(),
    used: z.number().int(),
    quota,
    remaining: z.number().int().nullable(),
    maximumBytes: z.number().int().meta({ description: 'The most one document may have.' })
  })
  .meta({ id: 'DocumentFit' })
export type DocumentFit = z.output<typeof documentFitSchema>

/** documentParamsSchema is the path of one document. */
export const documentParamsSchema = chatbotParamsSchema.extend({ documentId: z.guid('is not an id') })

/** passagesQuerySchema: `around` is the place of a passage, counted from 1, as citations name it. */
export const passagesQuerySchema = z.strictObject({
  around: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, 'is a number from 1')
    .meta({ description: 'The place of a passage, as citations name it.', example: '4' })
})

/** documentPassagesSchema is a part of a document's text; `passages` follow each other and may share a heading or a sentence. */
export const documentPassagesSchema = z
  .object({
    documentId: z.guid(),
    documentName: z.string(),
    passageCount: z.number().int(),
    passages: z.array(z.object({ place: z.number().int(), text: z.string() }))
  })
  .meta({ id: 'DocumentPassages' })
export type DocumentPassages = z.output<typeof documentPassagesSchema>

/** documentPaths is the OpenAPI part of routes/documents.ts. */
export const documentPaths: ZodOpenApiPathsObject = {
  '/api/chatbots/{chatbotId}/documents': {
    get: {
      operationId: 'listDocuments',
      summary: 'The documents of a chatbot, the newest first',
      tags: ['Documents'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema, query: pageSchema },
      responses: {
        200: { description: 'A page.', content: { 'application/json': { schema: pageOf(documentSchema) } } },
        ...sessionProblems(400, 404)
      }
    },
    post: {
      operationId: 'createDocument',
      summary: 'Add a document: a text as JSON, or a .txt, .md or .pdf file',
      description:
        'At most 10 MiB; PDFs at most 500 pages, with text (scans are not read). An upload that cannot fit into the plan is ' +
        'refused before its body is read.',
      tags: ['Documents'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema, header: idempotencyHeaders },
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: newDocumentSchema },
          'multipart/form-data': { schema: z.object({ file: z.string().meta({ format: 'binary' }) }) }
        }
      },
      responses: {
        201: {
          description: 'Stored; the bot answers from it at once.',
          headers: replayedHeaders,
          content: { 'application/json': { schema: documentSchema } }
        },
        ...sessionProblems(400, 402, 404, 413, 415, 422)
      }
    }
  },
  '/api/chatbots/{chatbotId}/documents/check': {
    post: {
      operationId: 'checkDocument',
      summary: 'Would an upload of this size fit?',
      tags: ['Documents'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema },
      requestBody: { required: true, content: { 'application/json': { schema: documentCheckSchema } } },
      responses: {
        200: { description: 'The answer, with the numbers.', content: { 'application/json': { schema: documentFitSchema } } },
        ...sessionProblems(400, 404, 413, 415)
      }
    }
  },
  '/api/chatbots/{chatbotId}/documents/{documentId}': {
    delete: {
      operationId: 'deleteDocument',
      summary: 'Delete a document; its space is free at once',
      tags: ['Documents'],
      security: SESSION,
      requestParams: { path: documentParamsSchema },
      responses: { 204: { description: 'Deleted.' }, ...sessionProblems(400, 404) }
    }
  },
  '/api/chatbots/{chatbotId}/documents/{documentId}/passages': {
    get: {
      operationId: 'readPassages',
      summary: 'A passage of a document, with the two before and the two after it',
      tags: ['Documents'],
      security: SESSION,
      requestParams: { path: documentParamsSchema, query: passagesQuerySchema },
      responses: {
        200: { description: 'The passages, in the order of the text.', content: { 'application/json': { schema: documentPassagesSchema } } },
        ...sessionProblems(400, 404)
      }
    }
  }
}
