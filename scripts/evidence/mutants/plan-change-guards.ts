import { type Mutant, pgtap, races } from './mutant.ts'

const FUNCTIONS = 'supabase/schemas/functions'
const INTERNAL = 'supabase/schemas/internal'

/** PLAN_CHANGE_GUARDS keep purchases and changes of plan from being begun twice, or past what the account may. */
export const PLAN_CHANGE_GUARDS: Mutant[] = [
  {
    id: 'closed-account-decides-nothing',
    guard: 'a closed account buys and changes nothing',
    file: `${INTERNAL}/hold_open_account.sql`,
    find: 'if v_closed_at is not null then',
    replace: 'if false then',
    tests: [pgtap('internal/hold_open_account')],
    quick: true
  },
  {
    id: 'account-lock-of-a-purchase',
    guard: 'the lock on the account: two purchases at once take one slot',
    file: `${INTERNAL}/hold_open_account.sql`,
    find: 'where a.account_id = p_account_id for no key update;',
    replace: 'where a.account_id = p_account_id;',
    tests: [races('billing-races', '20 tabs that buy|the arrival of a subscription waits')]
  },
  {
    id: 'no-purchase-beside-a-subscription',
    guard: 'who has a live subscription cannot buy another one',
    file: `${FUNCTIONS}/reserve_checkout.sql`,
    find: `s.status in ('trialing', 'active', 'past_due', 'paused')`,
    replace: 'false',
    tests: [pgtap('reserve_checkout')],
    quick: true
  },
  {
    id: 'one-trial',
    guard: 'only who never subscribed may try before paying',
    file: `${FUNCTIONS}/reserve_checkout.sql`,
    find: 'where s.account_id = p_account_id and (s.period_start is not null or s.trial_ends_at is not null)',
    replace: 'where false',
    tests: [pgtap('reserve_checkout')]
  },
  {
    id: 'first-page-stays',
    guard: 'the first page of a purchase stays, where two were made',
    file: `${FUNCTIONS}/open_checkout.sql`,
    find: 'and c.processor_checkout_id is null;',
    replace: ';',
    tests: [pgtap('open_checkout')]
  },
  {
    id: 'first-end-of-a-purchase-stays',
    guard: 'a purchase that has ended stays ended as it did',
    file: `${FUNCTIONS}/settle_checkout.sql`,
    find: `(c.status in ('reserved', 'open') or p_status = 'complete' and (c.status <> 'complete' or c.subscription_id is null))`,
    replace: 'true',
    tests: [pgtap('settle_checkout')]
  },
  {
    id: 'arrival-closes-the-slot',
    guard: 'a subscription that arrives frees the slot of its purchase',
    file: `${INTERNAL}/close_checkouts.sql`,
    find: `c.status in ('reserved', 'open')`,
    replace: 'false',
    tests: [pgtap('internal/close_checkouts')]
  },
  {
    id: 'downgrade-must-fit',
    guard: 'a downgrade that does not fit is blocked',
    file: `${FUNCTIONS}/begin_plan_change.sql`,
    find: `if direction = 'downgrade' then`,
    replace: 'if false then',
    tests: [pgtap('begin_plan_change')],
    quick: true
  },
  {
    id: 'downgrade-locks-counters',
    guard: 'the counters are locked between the check of a downgrade and its scheduling',
    file: `${FUNCTIONS}/begin_plan_change.sql`,
    find: `  perform from app.counters c where c.account_id = p_account_id
  order by c.metric, c.window_start
  for update;\n`,
    replace: '',
    tests: [races('billing-races', 'a downgrade waits for what is added in flight')]
  },
  {
    id: 'change-repeated',
    guard: 'a repeated request for a change finds its own change and begins no second one',
    file: `${FUNCTIONS}/begin_plan_change.sql`,
    find: 'if p_request_id is not null and exists (',
    replace: 'if false and exists (',
    tests: [pgtap('begin_plan_change')]
  },
  {
    id: 'levels-held-to-the-smaller-plan',
    guard: 'while a downgrade is scheduled, levels are held to the smaller plan',
    file: `${INTERNAL}/follow_plan_change.sql`,
    find: `where c.account_id = p_account_id and c.status = 'scheduled' and c.direction = 'downgrade';`,
    replace: 'where false;',
    tests: [pgtap('internal/follow_plan_change')],
    quick: true
  },
  {
    id: 'held-levels-lock-counters',
    guard: 'holding levels to another plan locks the counters: no decision in flight is made by the one before',
    file: `${INTERNAL}/follow_plan_change.sql`,
    find: `    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;\n`,
    replace: '',
    tests: [races('held-locks', 'an undone downgrade')]
  },
  {
    id: 'overtaken-change',
    guard: 'a scheduled change is superseded when its subscription has ended or has another price',
    file: `${INTERNAL}/follow_plan_change.sql`,
    find: `when v_subscription.price_id not in (v_change.from_price_id, v_change.to_price_id) then 'superseded'\n`,
    replace: '\n',
    tests: [pgtap('internal/follow_plan_change')]
  },
  {
    id: 'change-told-in-time',
    guard: 'a kept change is not told to a processor that is about to renew',
    file: `${FUNCTIONS}/queue_due_changes.sql`,
    find: `or v_now >= v_change.effective_at - interval '40 minutes'`,
    replace: '',
    tests: [pgtap('queue_due_changes')]
  },
  {
    id: 'due-change-account-lock',
    guard: 'a kept change is looked at again under the lock of its account',
    file: `${FUNCTIONS}/queue_due_changes.sql`,
    find: 'where a.account_id = v_due.account_id for no key update skip locked;',
    replace: 'where a.account_id = v_due.account_id;',
    tests: [races('held-locks', 'a kept change')]
  },
  {
    id: 'one-operation-at-a-time',
    guard: 'ON CONFLICT: one change of a subscription is asked for at a time',
    file: `${INTERNAL}/queue_operation.sql`,
    find: 'on conflict do nothing',
    replace: '',
    tests: [pgtap('internal/queue_operation')],
    quick: true
  },
  {
    id: 'claimed-operation-skips-locked',
    guard: 'the row lock of a claim: two workers never ask for the same change',
    file: `${FUNCTIONS}/claim_operations.sql`,
    find: `    for update skip locked
  ) due`,
    replace: '  ) due',
    tests: [races('held-locks', 'an operation')]
  },
  {
    id: 'late-operation-is-given-up',
    guard: 'what was to come with a period that has begun is not asked for any more',
    file: `${FUNCTIONS}/claim_operations.sql`,
    find: 'and c.effective_at <= app.clock()',
    replace: 'and false',
    tests: [pgtap('claim_operations')]
  },
  {
    id: 'operation-has-one-end',
    guard: 'an operation that is settled stays as it is',
    file: `${FUNCTIONS}/settle_operation.sql`,
    find: 'if v_operation.next_attempt_at is null then',
    replace: 'if false then',
    tests: [pgtap('settle_operation')],
    quick: true
  },
  {
    id: 'operation-locks',
    guard: 'the locks on account and operation: two workers that settle it differently make one end',
    file: `${FUNCTIONS}/settle_operation.sql`,
    find: `  perform from app.accounts a where a.account_id = p_account_id for no key update;
  select o.* into v_operation
  from app.processor_operations o
  where o.account_id = p_account_id and o.id = p_operation_id
  for update;`,
    replace: `  select o.* into v_operation
  from app.processor_operations o
  where o.account_id = p_account_id and o.id = p_operation_id;`,
    tests: [races('billing-races', 'an operation that two workers settle differently')]
  },
  {
    id: 'undo-of-what-was-told',
    guard: 'a change the processor knows of is not just struck out here',
    file: `${FUNCTIONS}/begin_plan_change_undo.sql`,
    find: `where o.account_id = p_account_id and o.plan_change_id = v_change.id and o.status = 'done')`,
    replace: 'where false)',
    tests: [pgtap('begin_plan_change_undo')]
  },
  {
    id: 'kept-chatbots-fit',
    guard: 'no more chatbots are kept than the plan holds',
    file: `${FUNCTIONS}/keep_chatbots.sql`,
    find: 'if kept > quota then',
    replace: 'if false then',
    tests: [pgtap('keep_chatbots')],
    quick: true
  },
  {
    id: 'kept-chatbots-lock',
    guard: 'the lock on the account: of two choices at once one is in force, whole',
    file: `${FUNCTIONS}/keep_chatbots.sql`,
    find: '  perform from app.accounts a where a.account_id = p_account_id for no key update;\n',
    replace: '',
    tests: [races('held-locks', 'a choice of chatbots')]
  }
]
