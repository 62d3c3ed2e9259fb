import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

/** noteWidgetRefusal keeps why a visitor was sent away, for the owner; `noted` is false when there is no such widget. */
export function noteWidgetRefusal(
  db: Database,
  args: { accountId: string; chatbotId: string; cause: string; requestId: string }
): Promise<{ noted: boolean }> {
  return callForOne(db, 'note_widget_refusal', args, z.object({ noted: z.boolean() }))
}
