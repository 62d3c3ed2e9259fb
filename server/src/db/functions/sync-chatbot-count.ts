import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const syncedSchema = z.object({ accountId: z.string(), counted: z.number(), actual: z.number() })
export type SyncedCount = z.output<typeof syncedSchema>

/** syncChatbotCount sets the chatbots gauge to the rows there are, for one account or all, and lists the differences. */
export function syncChatbotCount(
  db: Database,
  args: { accountId?: string | null; dryRun?: boolean } = {}
): Promise<SyncedCount[]> {
  return call(db, 'sync_chatbot_count', args, syncedSchema)
}
