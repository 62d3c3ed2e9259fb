import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const keptSchema = z.object({
  outcome: z.enum(['kept', 'too_many', 'not_found']),
  kept: z.number(),
  quota: z.number().nullable()
})

/** keepChatbots chooses which chatbots stay in use where the plan does not hold all; none = the oldest again. */
export function keepChatbots(
  db: Database,
  args: { accountId: string; chatbotIds: string[] }
): Promise<z.output<typeof keptSchema>> {
  return callForOne(db, 'keep_chatbots', args, keptSchema)
}
