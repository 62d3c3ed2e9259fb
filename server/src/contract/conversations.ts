import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { chatbotParamsSchema } from './chatbots.ts'
import { idempotencyHeaders, replayedHeaders, SESSION, time } from './common.ts'
import { pageOf, pageSchema } from './page.ts'
import { sessionProblems } from './problem.ts'

const TITLE_LIMIT = 200

/** conversationSchema is a conversation as it is read. `updatedAt` is when it was last spoken in. */
export const conversationSchema = z
  .object({
    conversationId: z.guid(),
    chatbotId: z.guid(),
    title: z.string(),
    channel: z.enum(['playground', 'widget', 'api']),
    createdAt: time,
    updatedAt: time
  })
  .meta({ id: 'Conversation' })
export type ConversationBody = z.output<typeof conversationSchema>

/** newConversationSchema is the body of a new conversation; every field may be left out. */
export const newConversationSchema = z
  .strictObject({
    title: z
      .string()
      .trim()
      .refine((title) => [...title].length <= TITLE_LIMIT, `has more than ${TITLE_LIMIT} characters`)
      .default('')
      .meta({ example: 'How long do refunds take?' }),
    channel: z.enum(['playground', 'api']).default('api')
  })
  .meta({ id: 'NewConversation' })

/** conversationParamsSchema is the path of one conversation. */
export const conversationParamsSchema = chatbotParamsSchema.extend({ conversationId: z.guid('is not an id') })

const conversationContent = { 'application/json': { schema: conversationSchema } }

/** conversationPaths is the OpenAPI part of routes/conversations.ts. */
export const conversationPaths: ZodOpenApiPathsObject = {
  '/api/chatbots/{chatbotId}/conversations': {
    get: {
      operationId: 'listConversations',
      summary: 'The conversations with a chatbot, the last used first',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema, query: pageSchema },
      responses: {
        200: { description: 'A page.', content: { 'application/json': { schema: pageOf(conversationSchema) } } },
        ...sessionProblems(400, 404)
      }
    },
    post: {
      operationId: 'createConversation',
      summary: 'Open a conversation',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema, header: idempotencyHeaders },
      requestBody: { required: false, content: { 'application/json': { schema: newConversationSchema } } },
      responses: {
        201: {
          description: 'Created; `Location` names it.',
          headers: replayedHeaders.extend({ Location: z.string() }),
          content: conversationContent
        },
        ...sessionProblems(400, 402, 404, 413, 415, 422)
      }
    }
  },
  '/api/chatbots/{chatbotId}/conversations/{conversationId}': {
    get: {
      operationId: 'readConversation',
      summary: 'One conversation',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: conversationParamsSchema },
      responses: { 200: { description: 'The conversation.', content: conversationContent }, ...sessionProblems(400, 404) }
    },
    delete: {
      operationId: 'deleteConversation',
      summary: 'Delete a conversation with its messages; what they have used stays used',
      tags: ['Conversations'],
      security: SESSION,
      requestParams: { path: conversationParamsSchema },
      responses: { 204: { description: 'Deleted.' }, ...sessionProblems(400, 404) }
    }
  }
}
