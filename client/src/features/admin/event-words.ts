import type { z } from 'zod'
import { inboxStatusSchema } from '../../../../server/src/contract/inbox-status.ts'
import { type InboxEvent } from '../../../../server/src/contract/admin.ts'

/** EventStatus is how a delivery stands. */
export type EventStatus = z.output<typeof inboxStatusSchema>

/** EVENT_STATUSES are all of them, what needs somebody first. */
export const EVENT_STATUSES: readonly EventStatus[] = ['dead', 'failed', 'received', 'processed', 'ignored', 'discarded']

/** STATUS_MEANINGS says what a status means for whoever operates Parley. */
export const STATUS_MEANINGS: Record<EventStatus, string> = {
  received: 'It is stored and waits for its first attempt.',
  processed: 'It was applied, once.',
  ignored: 'Its type has no effect here.',
  failed: 'The last attempt failed; another one is made by itself.',
  dead: 'It failed for good: it is not tried again by itself. Replay it when the cause is gone, or discard it.',
  discarded: 'An operator decided that it stays without effect.'
}

/** readStatus reads a status; null for one this page does not know. */
export function readStatus(status: string): EventStatus | null {
  return inboxStatusSchema.safeParse(status).data ?? null
}

/** EventAct is what an operator can do with a delivery. */
export type EventAct = 'replay' | 'discard'

/** refusalOf says why a delivery cannot be replayed or discarded; null where it can. */
export function refusalOf(act: EventAct, status: EventStatus): string | null {
  switch (status) {
    case 'failed':
    case 'dead':
      return null
    case 'discarded':
      return act === 'replay' ? null : 'It is discarded already.'
    case 'received':
      return 'It waits for its first attempt. It can be replayed or discarded when that has failed.'
    case 'processed':
      return 'It was processed: it cannot apply twice, and what it did is not taken back by discarding it.'
    case 'ignored':
      return 'It was ignored: its type has no effect here, so there is nothing to replay or discard.'
    default:
      return status satisfies never
  }
}

/** isUnderWay tells whether a delivery is about to be tried, and a look a second later may find something new. */
export function isUnderWay({ status, attempts, nextAttemptAt }: Pick<InboxEvent, 'status' | 'attempts' | 'nextAttemptAt'>): boolean {
  if (status === 'received') return true
  // Without an attempt it was replayed just now. Its time need not be over by this clock: the sandbox has one of its own.
  return status === 'failed' && (attempts === 0 || (nextAttemptAt !== null && Date.parse(nextAttemptAt) <= Date.now()))
}
