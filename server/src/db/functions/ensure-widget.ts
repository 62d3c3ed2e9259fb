import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'
import { type Widget, widgetSchema } from '../widget-row.ts'

/** ensureWidget answers the widget of a chatbot, made with the given key and secret when there was none. */
export function ensureWidget(
  db: Database,
  args: { accountId: string; chatbotId: string; widgetKey: string; identitySecret: string }
): Promise<Widget | null> {
  return callForOneOrNone(db, 'ensure_widget', args, widgetSchema)
}
