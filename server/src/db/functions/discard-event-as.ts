import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'
import { type EventAction, eventActionSchema } from '../webhook-event-row.ts'

/**
 * discardEventAs decides in the name of an operator that a failed or dead delivery stays without effect; null for an unknown
 * one.
 */
export function discardEventAs(
  db: Database,
  args: { operatorId: string; processor: string; eventId: string; reason: string }
): Promise<EventAction | null> {
  return callForOneOrNone(db, 'discard_event_as', args, eventActionSchema)
}
