import { createHash } from 'node:crypto'
import { EVENT_RANK } from '../../../server/src/billing/billing-event.ts'
import type { StormEvent } from './facts.ts'

/** accountDeleted is Clerk's `user.deleted` or `organization.deleted`. Clerk's bodies carry no id: theirs is their hash. */
export function accountDeleted(accountId: string, atMs: number): StormEvent {
  const object = accountId.startsWith('org_') ? 'organization' : 'user'
  const text = JSON.stringify({
    data: { deleted: true, id: accountId, object },
    instance_id: 'ins_storm',
    object: 'event',
    timestamp: atMs,
    type: `${object}.deleted`
  })
  return {
    source: 'clerk',
    eventId: `sha256:${createHash('sha256').update(text).digest('hex')}`,
    atMs,
    rank: EVENT_RANK.ended,
    accountId,
    customerId: null,
    subscriptionId: null,
    told: { kind: 'closed', whom: 'account' },
    body: () => text
  }
}
