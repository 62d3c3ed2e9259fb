import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'
import { type EventAction, eventActionSchema } from '../webhook-event-row.ts'

/** replayEventAs makes a failed, dead or discarded delivery due at once in the name of an operator; null for an unknown one. */
export function replayEventAs(
  db: Database,
  args: { operatorId: string; processor: string; eventId: string; reason: string }
): Promise<EventAction | null> {
  return callForOneOrNone(db, 'replay_event_as', args, eventActionSchema)
}
