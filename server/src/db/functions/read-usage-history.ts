import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const entrySchema = z.object({
  chatbotId: z.string().nullable(),
  chatbotName: z.string().nullable(),
  channel: z.enum(['playground', 'widget', 'api']).nullable(),
  amount: z.number(),
  events: z.number()
})
const daySchema = z.object({
  day: z.string(),
  chatbotIds: z.array(entrySchema.shape.chatbotId),
  chatbotNames: z.array(entrySchema.shape.chatbotName),
  channels: z.array(entrySchema.shape.channel),
  amounts: z.array(entrySchema.shape.amount),
  events: z.array(entrySchema.shape.events)
})
export type UsageHistoryEntry = z.output<typeof entrySchema> & { day: string }

/**
 * readUsageHistory answers one counter in one window, summed up by day, chatbot and channel, in the order of the days.
 * The database answers a row per day; here they are taken apart into an entry per chatbot and channel.
 */
export async function readUsageHistory(
  db: Database,
  args: { accountId: string; metric: string; windowStart?: string }
): Promise<UsageHistoryEntry[]> {
  const days = await call(db, 'read_usage_history', args, daySchema)
  return days.flatMap(({ day, chatbotIds, chatbotNames, channels, amounts, events }) =>
    chatbotIds.map((chatbotId, index) => ({
      day,
      ...entrySchema.parse({
        chatbotId,
        chatbotName: chatbotNames[index],
        channel: channels[index],
        amount: amounts[index],
        events: events[index]
      })
    }))
  )
}
