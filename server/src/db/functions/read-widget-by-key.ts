import { z } from 'zod'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'

const servedWidgetSchema = z.object({
  accountId: z.string(),
  chatbotId: z.string(),
  widgetKey: z.string(),
  enabled: z.boolean(),
  allowedOrigins: z.array(z.string()),
  unavailableMessage: z.string(),
  identityRequired: z.boolean(),
  identitySecret: z.string(),
  chatbotName: z.string(),
  welcomeMessage: z.string(),
  blockedBy: z.enum(['chatbot_read_only', 'account_closed']).nullable()
})

/** ServedWidget is a widget with what serving it needs; `blockedBy` is why its chatbot answers nobody. Holds a secret. */
export type ServedWidget = z.output<typeof servedWidgetSchema>

/** readWidgetByKey finds the widget a public key names, also one that is switched off; null when there is none. */
export function readWidgetByKey(db: Database, args: { widgetKey: string }): Promise<ServedWidget | null> {
  return callForOneOrNone(db, 'read_widget_by_key', args, servedWidgetSchema)
}
