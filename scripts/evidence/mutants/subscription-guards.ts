import { type Mutant, pgtap, races } from './mutant.ts'

const FOLD = 'supabase/schemas/internal/fold_subscription.sql'
const GRANTED = 'supabase/schemas/internal/granted_plan.sql'
const APPLY = 'supabase/schemas/internal/apply_subscriptions.sql'
const SUSPENSION = 'supabase/schemas/internal/suspension_of.sql'

/** SUBSCRIPTION_GUARDS make a subscription's state, its plan and its windows those of its events in the processor's order. */
export const SUBSCRIPTION_GUARDS: Mutant[] = [
  {
    id: 'fold-provider-order',
    guard: 'the ordering gate: events are folded by the processor’s clock, not as they arrived',
    file: FOLD,
    find: 'order by e.occurred_at, e.event_rank, e.event_id collate "C"',
    replace: 'order by e.created_at, e.ctid',
    tests: [pgtap('record_billing_event.order', 'internal/fold_subscription')],
    quick: true
  },
  {
    id: 'fold-rank-of-one-instant',
    guard: 'events of one instant are folded in the order of their rank',
    file: FOLD,
    find: 'order by e.occurred_at, e.event_rank, e.event_id collate "C"',
    replace: 'order by e.occurred_at, e.event_id collate "C"',
    tests: [pgtap('record_billing_event.order', 'internal/fold_subscription')]
  },
  {
    id: 'fold-canceled-is-final',
    guard: 'nothing that comes later in the processor’s order revives what was canceled',
    file: FOLD,
    find: `if v_state.status = 'canceled' then\n      null;`,
    replace: 'if false then\n      null;',
    tests: [pgtap('internal/fold_subscription')],
    quick: true
  },
  {
    id: 'fold-old-period-pays-nothing',
    guard: 'a payment for a period before the known one changes no state',
    file: FOLD,
    find: 'elsif v_event.period_start is null or v_event.period_start < v_state.period_start then',
    replace: 'elsif v_event.period_start is null then',
    tests: [pgtap('internal/fold_subscription', 'record_billing_event.money', 'record_billing_event.order')]
  },
  {
    id: 'fold-nothing-ends-no-trial',
    guard: 'a bill of nothing does not end a trial',
    file: FOLD,
    find: 'and v_event.amount_minor > 0\n',
    replace: '\n',
    tests: [pgtap('internal/fold_subscription')]
  },
  {
    id: 'fold-grace-begins-once',
    guard: 'the grace period counts from the first failed payment, not from each reminder',
    file: FOLD,
    find: 'coalesce(v_state.past_due_since, v_event.occurred_at)',
    replace: 'v_event.occurred_at',
    tests: [pgtap('internal/fold_subscription')]
  },
  {
    id: 'fold-latest-period',
    guard: 'the latest period stays: an event that carries an older one does not bring it back',
    file: FOLD,
    find: 'if v_state.period_start is null or v_event.period_start >= v_state.period_start then',
    replace: 'if true then',
    tests: [pgtap('internal/fold_subscription', 'record_billing_event.order', 'record_billing_event.money')]
  },
  {
    id: 'fold-window-taken-back',
    guard: 'a window opened on half the story is taken back when the rest of it comes',
    file: FOLD,
    find: 'and w.window_start <> all (v_starts);',
    replace: 'and false;',
    tests: [pgtap('record_billing_event.order', 'internal/fold_subscription', 'record_billing_event.closed')]
  },
  {
    id: 'fold-period-only-while-live',
    guard: 'a period opens a window only while the subscription is live',
    file: FOLD,
    find: `if v_state.status in ('trialing', 'active', 'past_due') and v_event.period_start is not null then`,
    replace: 'if v_event.period_start is not null then',
    tests: [pgtap('internal/fold_subscription')],
    quick: true
  },
  {
    id: 'fold-tombstone',
    guard: 'from the deletion of the customer on no event has an effect',
    file: FOLD,
    find: 'if v_event.occurred_at >= v_gone_at then',
    replace: 'if false then',
    tests: [pgtap('internal/fold_subscription')]
  },
  {
    id: 'plan-suspended-gives-nothing',
    guard: 'a subscription whose payment was taken back gives no plan',
    file: GRANTED,
    find: 'and s.suspended_by is null',
    replace: '',
    tests: [pgtap('internal/granted_plan')],
    quick: true
  },
  {
    id: 'plan-closed-gives-nothing',
    guard: 'a closed account has plan free, whatever it is subscribed to',
    file: GRANTED,
    find: '\n    and v_account.closed_at is null',
    replace: '',
    tests: [pgtap('internal/granted_plan')]
  },
  {
    id: 'plan-paid-goes-first',
    guard: 'a subscription that is paid goes before a larger one past due',
    file: GRANTED,
    find: `order by (s.status = 'past_due'), p.position desc`,
    replace: 'order by p.position desc',
    tests: [pgtap('internal/apply_subscriptions', 'internal/granted_plan')]
  },
  {
    id: 'plan-grace-ends',
    guard: 'the plan of a subscription past due ends with its grace',
    file: GRANTED,
    find: `if v_in_force.status = 'past_due' and plan <> 'free' then`,
    replace: 'if false then',
    tests: [pgtap('internal/granted_plan')],
    quick: true
  },
  {
    id: 'plan-kept-to-the-end-of-its-period',
    guard: 'a change told to the processor early takes nothing from the period that was paid for',
    file: GRANTED,
    find: 'and s.period_start < c.effective_at',
    replace: 'and false',
    tests: [pgtap('internal/granted_plan')]
  },
  {
    id: 'plan-change-locks-counters',
    guard: 'whoever changes the plan locks the counters: no decision in flight is made by the plan before',
    file: APPLY,
    find: `    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;\n`,
    replace: '',
    tests: [races('plan-change-races', 'a downgrade waits for the decision in flight')]
  },
  {
    id: 'second-subscription-is-ended',
    guard: 'a live subscription beside the one in force is ended: nobody pays twice',
    file: APPLY,
    find: `s.status in ('trialing', 'active', 'past_due') and s.suspended_by is null and not s.in_force\n`,
    replace: 'false\n',
    tests: [pgtap('internal/apply_subscriptions')]
  },
  {
    id: 'end-is-asked-once',
    guard: 'the end of a subscription is not asked for again while it is under way or done',
    file: APPLY,
    find: `and o.kind = 'cancel_now' and (o.status = 'done' or o.next_attempt_at is not null));`,
    replace: 'and false);',
    tests: [pgtap('internal/apply_subscriptions')]
  },
  {
    id: 'duplicate-is-withdrawn',
    guard: 'an end that is no longer needed is withdrawn before it is asked for',
    file: APPLY,
    find: `where o.account_id = p_account_id and o.reason = 'duplicate' and o.status = 'pending' and o.first_sent_at is null`,
    replace: 'where false',
    tests: [pgtap('internal/apply_subscriptions')]
  },
  {
    id: 'refund-of-all-of-it',
    guard: 'only a refund of the whole payment suspends; a part of it changes nothing',
    file: SUSPENSION,
    find: 'v_refunded >= v_payment.amount_minor',
    replace: 'v_refunded > 0',
    tests: [pgtap('internal/suspension_of')],
    quick: true
  },
  {
    id: 'refund-that-came-through',
    guard: 'a refund under way or a dispute that is won suspends nothing',
    file: SUSPENSION,
    find: `continue when v_reversal.status <> 'reversed';`,
    replace: '',
    tests: [pgtap('internal/suspension_of')]
  },
  {
    id: 'refund-latest-news',
    guard: 'where a refund stands is its latest news in the processor’s order',
    file: SUSPENSION,
    find: 'order by r.reversal_id, r.occurred_at desc, r.event_rank desc, r.event_id collate "C" desc',
    replace: 'order by r.reversal_id, r.occurred_at, r.event_rank, r.event_id collate "C"',
    tests: [pgtap('internal/suspension_of')]
  },
  {
    id: 'unknown-price-grants-nothing',
    guard: 'a price that means no plan fails the event instead of granting something',
    file: 'supabase/schemas/internal/note_subscription_event.sql',
    find: 'if v_item.price_id is not null and v_item.plan is null\n',
    replace: 'if false\n',
    tests: [pgtap('internal/note_subscription_event', 'record_billing_event')]
  },
  {
    id: 'windows-from-the-anchor',
    guard: 'every bound of a window is computed from the anchor: 31 January, 28 February, 31 March',
    file: 'supabase/schemas/internal/window_at.sql',
    find: '(v_anchor + make_interval(months => v_months + 1) - p_offset)',
    replace: '(v_anchor + make_interval(months => v_months) + make_interval(months => 1) - p_offset)',
    tests: [pgtap('internal/window_at')],
    quick: true
  }
]
