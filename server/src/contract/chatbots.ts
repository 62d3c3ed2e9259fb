import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { idempotencyHeaders, replayedHeaders, SESSION, time } from './common.ts'
import { pageOf, pageSchema } from './page.ts'
import { sessionProblems } from './problem.ts'

const name = z.string().trim().min(1, 'needs at least one character').max(100, 'has more than 100 characters').meta({ example: 'Support' })
const instructions = z.string().max(8000, 'has more than 8000 characters').meta({ example: 'Answer briefly and kindly.' })
const welcomeMessage = z.string().max(500, 'has more than 500 characters').meta({ example: 'Hello! How can I help?' })
const monthlyMessageCap = z
  .int('is not a whole number')
  .min(1, 'is less than 1; null is no cap')
  .max(1_000_000_000, 'is more than 1000000000')
  .nullable()
  .meta({ description: 'The most answers this chatbot may give in a window of the account, within its quota; null is no cap.' })
const model = z.string().trim().min(1, 'needs at least one character').max(100, 'has more than 100 characters')

/** chatbotSchema is a chatbot as it is read. */
export const chatbotSchema = z
  .object({
    chatbotId: z.guid(),
    name: z.string(),
    instructions: z.string(),
    welcomeMessage: z.string(),
    model: z.string().nullable().meta({ description: 'null: the model of the server.' }),
    documentCount: z.number().int(),
    storageBytes: z.number().int(),
    createdAt: time,
    updatedAt: time,
    monthlyMessageCap: z.number().int().nullable(),
    messagesThisWindow: z.number().int().meta({ description: 'What counts against its cap.' }),
    readOnly: z.boolean().meta({ description: 'The plan in force does not hold it: it can be read and deleted only.' })
  })
  .meta({ id: 'Chatbot' })
export type ChatbotBody = z.output<typeof chatbotSchema>

/** newChatbotSchema is the body of `POST /api/chatbots`. */
export const newChatbotSchema = z
  .strictObject({
    name,
    instructions: instructions.optional(),
    welcomeMessage: welcomeMessage.optional(),
    model: model.nullable().optional(),
    monthlyMessageCap: monthlyMessageCap.optional()
  })
  .meta({ id: 'NewChatbot' })

/** chatbotChangeSchema is the body of `PATCH /api/chatbots/{chatbotId}`: at least one field; what is left out stays. */
export const chatbotChangeSchema = z
  .strictObject({
    name: name.optional(),
    instructions: instructions.optional(),
    welcomeMessage: welcomeMessage.optional(),
    model: model.nullable().optional(),
    monthlyMessageCap: monthlyMessageCap.optional()
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .meta({ id: 'ChatbotChange', example: { name: 'Helpdesk' } })

/** chatbotParamsSchema is the path of one chatbot. */
export const chatbotParamsSchema = z.object({ chatbotId: z.guid('is not an id') })

const chatbotContent = { 'application/json': { schema: chatbotSchema } }

/** chatbotPaths is the OpenAPI part of routes/chatbots.ts. */
export const chatbotPaths: ZodOpenApiPathsObject = {
  '/api/chatbots': {
    get: {
      operationId: 'listChatbots',
      summary: 'The chatbots of the account, the newest first',
      tags: ['Chatbots'],
      security: SESSION,
      requestParams: { query: pageSchema },
      responses: {
        200: { description: 'A page.', content: { 'application/json': { schema: pageOf(chatbotSchema) } } },
        ...sessionProblems(400)
      }
    },
    post: {
      operationId: 'createChatbot',
      summary: 'Create a chatbot',
      tags: ['Chatbots'],
      security: SESSION,
      requestParams: { header: idempotencyHeaders },
      requestBody: { required: true, content: { 'application/json': { schema: newChatbotSchema } } },
      responses: {
        201: {
          description: 'Created; `Location` names it.',
          headers: replayedHeaders.extend({ Location: z.string() }),
          content: chatbotContent
        },
        ...sessionProblems(400, 402, 413, 415, 422)
      }
    }
  },
  '/api/chatbots/{chatbotId}': {
    get: {
      operationId: 'readChatbot',
      summary: 'One chatbot',
      tags: ['Chatbots'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema },
      responses: { 200: { description: 'The chatbot.', content: chatbotContent }, ...sessionProblems(400, 404) }
    },
    patch: {
      operationId: 'updateChatbot',
      summary: 'Change a chatbot',
      tags: ['Chatbots'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema },
      requestBody: { required: true, content: { 'application/json': { schema: chatbotChangeSchema } } },
      responses: { 200: { description: 'The chatbot as it is now.', content: chatbotContent }, ...sessionProblems(400, 402, 404, 413, 415) }
    },
    delete: {
      operationId: 'deleteChatbot',
      summary: 'Delete a chatbot with its documents and conversations; its quota is free at once',
      tags: ['Chatbots'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema },
      responses: { 204: { description: 'Deleted.' }, ...sessionProblems(400, 404) }
    }
  }
}
