import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { chatbotParamsSchema } from './chatbots.ts'
import { idempotencyHeaders, PUBLIC, SESSION, time } from './common.ts'
import { citationSchema, messageStatusSchema, newMessageSchema } from './messages.ts'
import { problemResponses, sessionProblems } from './problem.ts'

const origin = z
  .string()
  .trim()
  .max(300, 'has more than 300 characters')
  .transform((text, context) => {
    const parsed = URL.parse(text)
    if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.pathname === '/' && parsed.search === '' && parsed.username === '') {
      return parsed.origin
    }
    context.addIssue({ code: 'custom', message: 'is not an origin such as https://www.example.com' })
    return z.NEVER
  })

/** widgetSettingsSchema is the widget of one chatbot, for its owner. */
export const widgetSettingsSchema = z
  .object({
    chatbotId: z.guid(),
    widgetKey: z.string().meta({ description: 'Its public name; it is part of the snippet.', example: 'wgt_3k9f' }),
    enabled: z.boolean(),
    allowedOrigins: z.array(z.string()).meta({ description: 'The sites that may embed it. None: no site may.' }),
    messagesPerVisitorPerHour: z.number().int().meta({ description: 'The most messages of one visitor in an hour.' }),
    unavailableMessage: z.string().meta({ description: 'What visitors read when the plan has no more messages.' }),
    identityRequired: z.boolean().meta({ description: 'Only visitors whom the site has signed in, by a signed id.' }),
    identitySecret: z.string().meta({ description: 'HMAC-SHA256 key with which the site signs the ids of its users. Keep it on a server.' }),
    lastRefusal: z
      .object({ at: time, cause: z.string(), requestId: z.string() })
      .nullable()
      .meta({ description: 'Why a visitor was last sent away: the true cause, for the owner only.' })
  })
  .meta({ id: 'WidgetSettings' })
export type WidgetSettings = z.output<typeof widgetSettingsSchema>

/** widgetChangeSchema is the body of `PATCH …/widget`: at least one field; what is left out stays. */
export const widgetChangeSchema = z
  .strictObject({
    enabled: z.boolean().optional(),
    allowedOrigins: z.array(origin).max(20, 'has more than 20 origins').optional(),
    messagesPerVisitorPerHour: z.int().min(1, 'is less than 1').max(10_000, 'is more than 10000').optional(),
    unavailableMessage: z.string().trim().min(1, 'needs at least one character').max(500, 'has more than 500 characters').optional(),
    identityRequired: z.boolean().optional(),
    rotateIdentitySecret: z.literal(true).optional().meta({ description: 'Replaces the secret; signatures made with the old one end.' })
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')

/** widgetParamsSchema is the path of a widget's public side. */
export const widgetParamsSchema = z.object({ widgetKey: z.string().regex(/^wgt_[\w-]{8,64}$/, 'is not a widget') })

/** newVisitorSchema opens a visit; `identity` is the site's own id of its user with its signature (HMAC-SHA256, hex). */
export const newVisitorSchema = z
  .strictObject({
    identity: z
      .strictObject({ userId: z.string().min(1).max(200), signature: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 hex digits') })
      .optional()
  })
  .meta({ id: 'NewVisitor' })

const widgetMessageSchema = z.object({
  messageId: z.guid(),
  role: z.enum(['user', 'assistant']),
  status: messageStatusSchema,
  content: z.string(),
  citations: z.array(citationSchema),
  createdAt: time
})

/** visitSchema is an open visit: the token goes along as `Authorization: Bearer`. */
export const visitSchema = z
  .object({
    token: z.string(),
    chatbotName: z.string(),
    welcomeMessage: z.string(),
    messages: z.array(widgetMessageSchema).meta({ description: 'What was said before, the oldest first; at most 50.' })
  })
  .meta({ id: 'Visit' })
export type Visit = z.output<typeof visitSchema>

/** visitorMessageSchema is a visitor's question. */
export const visitorMessageSchema = z.strictObject({ content: newMessageSchema.shape.content }).meta({ id: 'VisitorMessage' })

const settings = { 'application/json': { schema: widgetSettingsSchema } }

/** widgetPaths is the OpenAPI part of routes/widget-settings.ts and routes/widget.ts. */
export const widgetPaths: ZodOpenApiPathsObject = {
  '/api/chatbots/{chatbotId}/widget': {
    get: {
      operationId: 'readWidget',
      summary: 'The widget of a chatbot; made, switched off, when it is first asked for',
      tags: ['Widget'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema },
      responses: { 200: { description: 'Its settings.', content: settings }, ...sessionProblems(400, 404) }
    },
    patch: {
      operationId: 'updateWidget',
      summary: 'Change the widget of a chatbot',
      tags: ['Widget'],
      security: SESSION,
      requestParams: { path: chatbotParamsSchema },
      requestBody: { required: true, content: { 'application/json': { schema: widgetChangeSchema } } },
      responses: { 200: { description: 'As it is now.', content: settings }, ...sessionProblems(400, 402, 404, 413, 415) }
    }
  },
  '/widget.js': {
    get: {
      operationId: 'readWidgetScript',
      summary: 'The script that a site loads; it puts the chat into an iframe',
      tags: ['Widget'],
      security: PUBLIC,
      responses: {
        200: { description: 'JavaScript.', content: { 'text/javascript': { schema: z.string() } } },
        ...problemResponses(429, 500, 503)
      }
    }
  },
  '/widget/{widgetKey}': {
    get: {
      operationId: 'openWidgetPage',
      summary: 'The page inside the iframe; only the allowed origins may frame it',
      tags: ['Widget'],
      security: PUBLIC,
      requestParams: { path: widgetParamsSchema },
      responses: { 200: { description: 'A page.', content: { 'text/html': { schema: z.string() } } }, ...problemResponses(404, 429, 500, 503) }
    }
  },
  '/widget/{widgetKey}/visits': {
    post: {
      operationId: 'openVisit',
      summary: 'Begin or go on with a visit',
      description: 'With the token of an earlier visit as `Authorization: Bearer`, or a signed identity, the conversation goes on.',
      tags: ['Widget'],
      security: PUBLIC,
      requestParams: { path: widgetParamsSchema },
      requestBody: { required: true, content: { 'application/json': { schema: newVisitorSchema } } },
      responses: {
        200: { description: 'The visit.', content: { 'application/json': { schema: visitSchema } } },
        ...problemResponses(400, 401, 403, 404, 413, 415, 429, 500, 503)
      }
    }
  },
  '/widget/{widgetKey}/messages': {
    post: {
      operationId: 'sendVisitorMessage',
      summary: 'Ask as a visitor; the answer streams as for `sendMessage`, without numbers about the account',
      description:
        'When the owner is out of quota the problem is `widget_unavailable` and `detail` is the sentence the owner wrote; nothing ' +
        'about plans or money is told. Faster than the owner allows is `rate_limited`.',
      tags: ['Widget'],
      security: [{ visitorToken: [] }],
      requestParams: { path: widgetParamsSchema, header: idempotencyHeaders },
      requestBody: { required: true, content: { 'application/json': { schema: visitorMessageSchema } } },
      responses: {
        200: { description: 'The stream.', content: { 'text/event-stream': { schema: z.string() } } },
        ...problemResponses(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)
      }
    }
  },
  '/widget/{widgetKey}/messages/{messageId}/stop': {
    post: {
      operationId: 'stopVisitorAnswer',
      summary: 'Stop the answer; what was streamed is kept',
      tags: ['Widget'],
      security: [{ visitorToken: [] }],
      requestParams: { path: widgetParamsSchema.extend({ messageId: z.guid('is not an id') }) },
      responses: { 204: { description: 'It stops.' }, ...problemResponses(401, 403, 404, 429, 500, 503) }
    }
  }
}
