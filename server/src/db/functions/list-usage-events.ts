import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const eventSchema = z.object({
  eventId: z.number(),
  metric: z.string(),
  amount: z.number(),
  balanceAfter: z.number().nullable(),
  occurredAt: timestamp,
  windowStart: timestamp.nullable(),
  reason: z.enum(['charge', 'return', 'reserve', 'settle', 'release', 'insert', 'delete', 'correction']),
  requestId: z.string().nullable(),
  chatbotId: z.string().nullable(),
  chatbotName: z.string().nullable(),
  conversationId: z.string().nullable(),
  channel: z.enum(['playground', 'widget', 'api']).nullable(),
  operation: z.string().nullable()
})
export type UsageEventRow = z.output<typeof eventSchema>

/**
 * listUsageEvents answers the ledger, the newest row first, filtered by what is not null. `balance` is what the counter
 * stood at before the last row of the page before; only in a list of one counter does it matter.
 */
export function listUsageEvents(
  db: Database,
  args: {
    accountId: string
    metric?: string | null
    windowStart?: string | null
    day?: string | null
    chatbotId?: string | null
    withoutChatbot?: boolean
    channel?: string | null
    limit?: number
    beforeId?: number | null
    balance?: number | null
  }
): Promise<UsageEventRow[]> {
  return call(db, 'list_usage_events', args, eventSchema)
}
