import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'
import { type Widget, widgetSchema } from '../widget-row.ts'

/** updateWidget changes what is given and not null; null when the chatbot is not the account's or has no widget. */
export function updateWidget(
  db: Database,
  args: {
    accountId: string
    chatbotId: string
    enabled?: boolean | null
    allowedOrigins?: readonly string[] | null
    messagesPerVisitorPerHour?: number | null
    unavailableMessage?: string | null
    identityRequired?: boolean | null
    identitySecret?: string | null
  }
): Promise<Widget | null> {
  return callForOneOrNone(db, 'update_widget', args, widgetSchema)
}
