import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'
import { type Message, messageSchema } from '../message-row.ts'

/** readMessage answers one message of a conversation; null when it is not the account's. */
export function readMessage(
  db: Database,
  args: { accountId: string; conversationId: string; messageId: string }
): Promise<Message | null> {
  return callForOneOrNone(db, 'read_message', args, messageSchema)
}
