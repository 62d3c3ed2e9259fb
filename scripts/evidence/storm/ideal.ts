import { keyOf } from './facts.ts'
import { effectOf } from './judge-effects.ts'
import type { Storm } from './judge.ts'
import { keyOfSubscription, referenceOf, windowAt } from './reference-account.ts'
import type { Seen } from './seen.ts'
import type { World } from './world.ts'

/** idealStorm is a storm after which everything is as it must be: what the tests of the judge plant their faults in. */
export function idealStorm({ events }: World): Storm {
  const reference = referenceOf(events)
  const createdAtMs = Date.parse('2026-11-01T00:00:00Z')
  const nowMs = Date.parse('2026-11-20T00:00:00Z')
  const seen: Seen = {
    inbox: new Map(
      events.map((event) => {
        const status = event.told.kind === 'ignored' ? 'ignored' : 'processed'
        return [keyOf(event), { status, deliveries: 1, waited: false, lastError: null }]
      })
    ),
    doubled: [],
    effects: events.flatMap((event) => {
      const says = effectOf(event)
      return says === null ? [] : [{ key: keyOf(event), says }]
    }),
    tombstones: events.flatMap(({ told, source, customerId }) =>
      told.kind === 'closed' && told.whom === 'customer' ? [`${source} ${customerId}`] : []
    ),
    windows: [...reference.subscriptions.values()].flatMap(({ source, subscriptionId, accountId, opened }) =>
      opened.map(({ startMs, endMs, openedBy }) => ({
        account_id: accountId,
        processor: source,
        subscription_id: subscriptionId,
        window_start: startMs,
        window_end: endMs,
        opened_by: openedBy
      }))
    ),
    subscriptions: [...reference.subscriptions.values()].map((state) => ({
      account_id: state.accountId,
      processor: state.source,
      subscription_id: state.subscriptionId,
      status: state.status,
      plan: state.plan,
      period_start: state.period?.startMs ?? null,
      period_end: state.period?.endMs ?? null,
      cancels_at: state.cancelsAtMs,
      past_due_since: state.pastDueSinceMs,
      in_force: reference.accounts.get(state.accountId)?.inForce === keyOfSubscription(state),
      suspended_by: state.suspendedBy,
      as_of_event_id: state.asOfEventId
    })),
    accounts: [...reference.accounts.values()].map((state) => {
      const [anchor, countsFrom] = [state.anchorMs ?? createdAtMs, state.countsFromMs ?? createdAtMs]
      const window = windowAt(anchor, state.offsetMs, Math.max(nowMs, countsFrom))
      return {
        account_id: state.accountId,
        granted_plan: state.plan,
        plan_ends_at: state.planEndsAtMs,
        anchor,
        counts_from: countsFrom,
        created_at: createdAtMs,
        closed_at: state.closedAtMs,
        plan: state.planEndsAtMs === null || state.planEndsAtMs > nowMs ? state.plan : 'free',
        status: state.shown?.status ?? 'none',
        window_start: window.startMs,
        window_end: window.endMs,
        now: nowMs
      }
    }),
    ledger: { before: 'same', after: 'same', rows: 1 },
    invariants: [{ name: 'a gauge is what it counts', violations: 0, example: null }]
  }
  const once = () => new Map(events.map((event) => [keyOf(event), 1]))
  const sent: Storm['sent'] = {
    times: once(),
    acknowledged: once(),
    ackMs: events.map(() => 20),
    refusals: [],
    lost: { unread: 0, unheard: 0 },
    unavailable: 0,
    unanswered: [],
    givenUp: [],
    seconds: 1
  }
  return { events, sent, seen, reference, drainSeconds: 0, description: '' }
}
