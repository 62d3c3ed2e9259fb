import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { channelSchema } from './channel.ts'
import { quota, SESSION, time } from './common.ts'
import { pageOf, pageSchema } from './page.ts'
import { sessionProblems } from './problem.ts'

const metric = z.string().regex(/^[a-z][a-z_]{0,62}$/, 'is not a metric').meta({ example: 'messages' })
const day = z.iso.date('is not a day such as 2026-11-20').meta({ example: '2026-11-20' })

/** historyQuerySchema: `windowStart` is one of `windows`, the current one when left out. */
export const historyQuerySchema = z.strictObject({
  metric: metric.default('messages'),
  windowStart: z.iso.datetime({ offset: true, error: 'is not a time such as 2026-11-20T00:00:00Z' }).optional()
})

/** usageDaySchema is what was used on one day (UTC) by one chatbot through one channel; returns are taken off. */
export const usageDaySchema = z
  .object({
    day,
    chatbotId: z.guid().nullable(),
    chatbotName: z.string().nullable().meta({ description: 'null: no chatbot, or one that was deleted.' }),
    channel: channelSchema.nullable(),
    amount: z.number().int(),
    events: z.number().int().meta({ description: 'How many rows of the ledger it is the sum of.' })
  })
  .meta({ id: 'UsageDay' })
export type UsageDay = z.output<typeof usageDaySchema>

/** usageHistorySchema is one counter in one window, day by day; the amounts sum up to `used`. */
export const usageHistorySchema = z
  .object({
    metric: z.string(),
    title: z.string(),
    unit: z.string(),
    windowStart: time,
    windowEnd: time,
    used: z.number().int(),
    quota: quota.meta({ description: 'The quota in force now; null is unlimited.' }),
    windows: z
      .array(z.object({ windowStart: time, windowEnd: time, current: z.boolean() }))
      .meta({ description: 'The windows there are, the newest first; at most 24.' }),
    days: z.array(usageDaySchema)
  })
  .meta({ id: 'UsageHistory' })
export type UsageHistory = z.output<typeof usageHistorySchema>

/** eventsQuerySchema filters the ledger; `day` is a day in UTC, `chatbotId` "none" what belongs to no chatbot. */
export const eventsQuerySchema = pageSchema.extend({
  metric: metric.optional(),
  windowStart: z.iso.datetime({ offset: true, error: 'is not a time such as 2026-11-20T00:00:00Z' }).optional(),
  day: day.optional(),
  chatbotId: z.union([z.guid('is not an id'), z.literal('none')]).optional(),
  channel: channelSchema.optional()
})

/** usageEventSchema is one row of the ledger. */
export const usageEventSchema = z
  .object({
    eventId: z.string().meta({ description: 'Its number in the ledger.' }),
    metric: z.string(),
    amount: z.number().int().meta({ description: 'Negative: given back.' }),
    balanceAfter: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'What the counter stood at after it; null where the list is filtered by day, chatbot or channel, or spans windows.' }),
    occurredAt: time,
    windowStart: time.nullable().meta({ description: 'null: a level, which never starts again.' }),
    reason: z.enum(['charge', 'return', 'reserve', 'settle', 'release', 'insert', 'delete', 'correction']),
    requestId: z.string().nullable(),
    chatbotId: z.guid().nullable(),
    chatbotName: z.string().nullable(),
    conversationId: z.guid().nullable(),
    channel: channelSchema.nullable(),
    operation: z.string().nullable()
  })
  .meta({ id: 'UsageEvent' })
export type UsageEvent = z.output<typeof usageEventSchema>

/** usageEventsSchema is a page of the ledger, the newest first. */
export const usageEventsSchema = pageOf(usageEventSchema)

/** usageHistoryPaths is the OpenAPI part of routes/usage-history.ts. */
export const usageHistoryPaths: ZodOpenApiPathsObject = {
  '/api/usage/history': {
    get: {
      operationId: 'readUsageHistory',
      summary: 'One counter day by day, by chatbot and channel',
      description: 'Days are in UTC. The amounts are sums of ledger rows and add up to what the meter shows.',
      tags: ['Account'],
      security: SESSION,
      requestParams: { query: historyQuerySchema },
      responses: {
        200: { description: 'The window.', content: { 'application/json': { schema: usageHistorySchema } } },
        ...sessionProblems(400, 404)
      }
    }
  },
  '/api/usage/history.csv': {
    get: {
      operationId: 'exportUsageHistory',
      summary: 'The same as CSV, for a spreadsheet',
      tags: ['Account'],
      security: SESSION,
      requestParams: { query: historyQuerySchema },
      responses: {
        200: { description: 'One line per day, chatbot and channel.', content: { 'text/csv': { schema: z.string() } } },
        ...sessionProblems(400, 404)
      }
    }
  },
  '/api/usage/events': {
    get: {
      operationId: 'listUsageEvents',
      summary: 'The ledger: every row behind the meters, the newest first',
      tags: ['Account'],
      security: SESSION,
      requestParams: { query: eventsQuerySchema },
      responses: {
        200: { description: 'A page.', content: { 'application/json': { schema: usageEventsSchema } } },
        ...sessionProblems(400)
      }
    }
  }
}
