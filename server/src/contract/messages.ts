import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { idempotencyHeaders, quota, replayedHeaders, SESSION, time } from './common.ts'
import { conversationParamsSchema } from './conversations.ts'
import { pageOf, pageSchema } from './page.ts'
import { sessionProblems } from './problem.ts'

/** MESSAGE_LIMIT is the longest question, in characters. */
export const MESSAGE_LIMIT = 8_000

/** citationSchema is a passage that an answer cites; `number` is its mark in the text, such as `[1]`. */
export const citationSchema = z
  .object({
    number: z.number(),
    documentId: z.guid(),
    documentName: z.string(),
    place: z.number().meta({ description: 'Which passage of the document, counted from 1.' }),
    excerpt: z.string()
  })
  .meta({ id: 'Citation' })
export type Citation = z.output<typeof citationSchema>

/** messageStatusSchema: an answer is `streaming` until it is `complete`, `stopped` (by a person) or `failed` (costs nothing). */
export const messageStatusSchema = z.enum(['complete', 'streaming', 'stopped', 'failed'])

/** messageSchema is a question or an answer. Token numbers are null for questions and for answers that cost nothing. */
export const messageSchema = z
  .object({
    messageId: z.guid(),
    role: z.enum(['user', 'assistant']),
    status: messageStatusSchema,
    content: z.string(),
    citations: z.array(citationSchema),
    inputTokens: z.number().nullable(),
    outputTokens: z.number().nullable(),
    error: z.string().nullable().meta({ description: 'Why an answer failed.' }),
    createdAt: time,
    finishedAt: time.nullable()
  })
  .meta({ id: 'Message' })
export type MessageBody = z.output<typeof messageSchema>

/** messageUsageSchema is how the account's messages stand afterwards; `quota` and `remaining` are null when unlimited. */
export const messageUsageSchema = z
  .object({
    metric: z.literal('messages'),
    used: z.number(),
    quota,
    remaining: z.number().nullable(),
    resetsAt: time.nullable()
  })
  .meta({ id: 'MessageUsage' })

/** answerSchema is the JSON answer to a question, for callers that do not stream. */
export const answerSchema = z.object({ message: messageSchema, usage: messageUsageSchema }).meta({ id: 'Answer' })
export type AnswerBody = z.output<typeof answerSchema>

/** answerUsageSchema is the stream's part `data-usage`, the last before its end. */
export const answerUsageSchema = z
  .object({
    status: messageStatusSchema,
    messagesUsed: z.number(),
    quota,
    remaining: z.number().nullable(),
    resetsAt: time.nullable(),
    inputTokens: z.number().nullable(),
    outputTokens: z.number().nullable()
  })
  .meta({ id: 'AnswerUsage' })
export type AnswerUsage = z.output<typeof answerUsageSchema>

/** answerMetadataSchema rides on the stream's `start` part; its `messageId` is the answer's. */
export const answerMetadataSchema = z.object({ conversationId: z.string(), userMessageId: z.string().nullable() })
export type AnswerMetadata = z.output<typeof answerMetadataSchema>

/** newMessageSchema is a question. White space around it is dropped. */
export const newMessageSchema = z
  .strictObject({
    content: z
      .string()
      .trim()
      .min(1, 'is empty')
      .refine((content) => [...content].length <= MESSAGE_LIMIT, `is longer than ${MESSAGE_LIMIT.toLocaleString('en-US')} characters`)
      .meta({ example: 'How long do refunds take?' }),
    channel: z.enum(['playground', 'api']).default('api'),
    replaces: z
      .guid('is not an id')
      .optional()
      .meta({ description: 'Answer anew: the last answer of the conversation, whose question `content` is. It is hidden once the new one is there.' })
  })
  .meta({ id: 'NewMessage' })

/** stoppedSchema tells what became of the answer; `streaming` means that another server was asked and will stop it in about a second. */
export const stoppedSchema = z.object({ messageId: z.guid(), status: messageStatusSchema }).meta({ id: 'StoppedAnswer' })

/** messageParamsSchema is the path of one message. */
export const messageParamsSchema = conversationParamsSchema.extend({ messageId: z.guid('is not an id') })

const MESSAGES = '/api/chatbots/{chatbotId}/conversations/{conversationId}/messages'

/** messagePaths is the OpenAPI part of routes/messages.ts. */
export const messagePaths: ZodOpenApiPathsObject = {
  [MESSAGES]: {
    get: {
      operationId: 'listMessages',
      summary: 'The messages of a conversation, the newest first, also an answer that is still streaming',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: conversationParamsSchema, query: pageSchema },
      responses: {
        200: { description: 'A page.', content: { 'application/json': { schema: pageOf(messageSchema) } } },
        ...sessionProblems(400, 404)
      }
    },
    post: {
      operationId: 'sendMessage',
      summary: 'Ask a question; the answer streams, or comes as JSON for `Accept: application/json`',
      description:
        'Quotas are checked before the first byte. A failed answer costs nothing, a stopped one what was streamed. The answer ' +
        'goes on when the caller disconnects; to end it, use `stop`. Within a stream, a failure is a part `error` whose ' +
        '`errorText` is a Problem as JSON.',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: conversationParamsSchema, header: idempotencyHeaders },
      requestBody: { required: true, content: { 'application/json': { schema: newMessageSchema } } },
      responses: {
        200: {
          description:
            'The stream: server-sent events of the ai SDK UI-message protocol (version 1). `start` carries the message id; each ' +
            'cited passage is a `source-document` and a `data-citation` part (Citation); `data-usage` (AnswerUsage) is the last ' +
            'before `finish` or `abort`.',
          headers: replayedHeaders,
          content: { 'text/event-stream': { schema: z.string() } }
        },
        201: {
          description: 'The whole answer, stored and settled.',
          headers: replayedHeaders,
          content: { 'application/json': { schema: answerSchema } }
        },
        ...sessionProblems(400, 402, 404, 409, 413, 415, 422)
      }
    }
  },
  [`${MESSAGES}/{messageId}/stream`]: {
    get: {
      operationId: 'resumeAnswer',
      summary: 'Stream an answer from its beginning, also after a reload in the middle of it',
      description:
        'What was written so far and what follows, as the `POST` streams it; an answer that has ended is told again. Several may ' +
        'follow one answer. 409 with `Retry-After`: another server is writing it, so read the message until it is finished.',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: messageParamsSchema },
      responses: {
        200: { description: 'The stream, as of `sendMessage`.', content: { 'text/event-stream': { schema: z.string() } } },
        ...sessionProblems(400, 404, 409)
      }
    }
  },
  [`${MESSAGES}/{messageId}/stop`]: {
    post: {
      operationId: 'stopAnswer',
      summary: 'Stop an answer; what was streamed is kept and counted',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: messageParamsSchema },
      responses: {
        200: { description: 'The answer has ended.', content: { 'application/json': { schema: stoppedSchema } } },
        202: {
          description: 'Another server will stop it within about a second.',
          content: { 'application/json': { schema: stoppedSchema } }
        },
        ...sessionProblems(400, 404)
      }
    }
  }
}
