import { call } from '../call.ts'
import type { Database } from '../database.ts'
import { type Message, messageSchema } from '../message-row.ts'

/** listMessages answers a conversation's messages, the newest first; `citations` is the jsonb that was stored. */
export function listMessages(
  db: Database,
  args: { accountId: string; conversationId: string; limit?: number; beforePlace?: number | null }
): Promise<Message[]> {
  return call(db, 'list_messages', args, messageSchema)
}
