import { type Mutant, pgtap, races } from './mutant.ts'

const DECIDE = 'supabase/schemas/internal/decide_usage.sql'
const DECREMENT = 'supabase/schemas/functions/decrement_usage.sql'

/** USAGE_GUARDS make a quota one that cannot be raced alone, and when units are given back. */
export const USAGE_GUARDS: Mutant[] = [
  {
    id: 'quota-condition',
    guard: 'the condition of the one UPDATE: no more is charged than the quota',
    file: DECIDE,
    find: '      and (decide_usage.quota is null or c.used + p_amount <= decide_usage.quota)\n',
    replace: '',
    tests: [pgtap('internal/decide_usage')],
    quick: true
  },
  {
    id: 'quota-on-the-locked-row',
    guard: 'the quota is compared with the row as it is once it is locked, not with what was read before',
    file: DECIDE,
    find: 'c.used + p_amount <= decide_usage.quota)',
    replace: `(select x.used from app.counters x where x.account_id = p_account_id and x.metric = p_metric
        and x.window_start = decide_usage.window_start) + p_amount <= decide_usage.quota)`,
    tests: [races('usage-races', '1,000 callers over 50 connections|mixed amounts')]
  },
  {
    id: 'quota-unlimited-by-a-row',
    guard: 'only a row of the catalog makes a metric unlimited: none allows nothing',
    file: DECIDE,
    find: 'case when q.plan is null then 0 else q.quota end as quota',
    replace: 'q.quota',
    tests: [pgtap('internal/decide_usage')]
  },
  {
    id: 'grace-is-over',
    guard: 'a plan whose grace is over is in force no longer, without any event',
    file: DECIDE,
    find: `case when a.plan_ends_at <= v_now then 'free' else a.plan end as plan`,
    replace: 'a.plan',
    tests: [pgtap('internal/decide_usage')],
    quick: true
  },
  {
    id: 'closed-account-is-granted-nothing',
    guard: 'a closed account is granted nothing',
    file: DECIDE,
    find: 'if v_account.closed_at is not null then',
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage')]
  },
  {
    id: 'decision-looks-again',
    guard: 'once the counter is locked, plan and window are those the decision was made by, or it is made again',
    file: DECIDE,
    find: 'if not exists (select from app.accounts a where a.ctid = v_account.version and a.account_id = p_account_id) then',
    replace: 'if false then',
    tests: [races('plan-change-races', 'a decision that waits for a downgrade in flight')]
  },
  {
    id: 'decision-waits-once',
    guard: 'a decision whose window changed while it waited is rolled back: it waits for nothing with the old counter in its hands',
    file: DECIDE,
    find: 'if window_start <> v_waited_for then',
    replace: 'if false then',
    tests: [races('held-windows', 'a charge is rolled back at once')]
  },
  {
    id: 'first-use-locks-the-account',
    guard: 'the shared lock of the account at the first use of a window, whose counter nobody can lock yet',
    file: DECIDE,
    find: 'perform from app.accounts a where a.account_id = p_account_id for share;',
    replace: '',
    tests: [races('held-locks', 'a downgrade waits for the first use of a window')]
  },
  {
    id: 'decision-taken-back',
    guard: 'what a turn charged is taken back when the request turns out to be decided by another session',
    file: DECIDE,
    find: `      update app.counters c set used = c.used - p_amount
      where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start;\n`,
    replace: '',
    tests: [races('held-locks', 'a request repeated while its first call')]
  },
  {
    id: 'request-id-of-another-charge',
    guard: 'a request id that was used with other arguments is refused',
    file: DECIDE,
    find: 'if (v_first.reason, v_first.metric, v_first.amount) is distinct from (p_reason, p_metric, p_amount) then',
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage')],
    quick: true
  },
  {
    id: 'charge-after-its-give-back',
    guard: 'a give-back that names no charge takes the request id: a charge of that id is refused, which could not be given back any more',
    file: DECREMENT,
    find: `    insert into app.usage_requests (account_id, request_id, reason, metric, amount, allowed, used, plan, window_start, created_at)
    values (p_account_id, p_request_id, 'return', p_metric, p_amount, true, 0, 'free', '-infinity', app.clock())
    on conflict do nothing;
    select q.* into strict`,
    replace: '    select q.* into',
    tests: [races('one-id-two-uses', 'a charge waits for the give-back of its id')]
  },
  {
    id: 'level-of-rows',
    guard: 'a level that counts rows moves with its rows alone',
    file: DECIDE,
    find: 'if v_account.counts_rows and not p_by_rows then',
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage')]
  },
  {
    id: 'level-held-to-the-smaller-plan',
    guard: 'what is granted of a level fits the smaller plan a downgrade is scheduled for',
    file: DECIDE,
    find: 'quota := least(quota, app.quota_of(v_account.pending_plan, p_metric));',
    replace: 'null;',
    tests: [pgtap('internal/decide_usage')]
  },
  {
    id: 'no-window-before-the-first',
    guard: 'a clock that is behind opens no window before the account’s first one',
    file: DECIDE,
    find: 'greatest(v_now, v_account.counts_from)',
    replace: 'v_now',
    tests: [races('usage-races', 'a transaction older than the account')]
  },
  {
    id: 'decision-isolation',
    guard: 'decisions are made under READ COMMITTED: the look after the lock must see what others committed',
    file: DECIDE,
    find: `if current_setting('transaction_isolation') <> 'read committed' then`,
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage.isolation')]
  },
  {
    id: 'ledger-row',
    guard: 'each charge has its row in the ledger, in the same commit',
    file: DECIDE,
    find: '    if allowed then\n      insert into app.usage_events',
    replace: '    if false then\n      insert into app.usage_events',
    tests: [pgtap('internal/decide_usage')],
    quick: true
  },
  {
    id: 'give-back-of-a-charge',
    guard: 'of a charge no more is given back than it took',
    file: DECREMENT,
    find: 'least(p_amount, v_charge.amount)',
    replace: 'p_amount',
    tests: [pgtap('decrement_usage')],
    quick: true
  },
  {
    id: 'give-back-once',
    guard: 'ON CONFLICT: a charge is given back once',
    file: DECREMENT,
    find: '    on conflict do nothing;',
    nth: 1,
    replace: ';',
    tests: [pgtap('decrement_usage')]
  },
  {
    id: 'give-back-holds-its-counters-first',
    guard: 'a give-back locks its counters before the request id, as a charge does',
    file: DECREMENT,
    find: '      order by c.window_start\n      for update);\n',
    replace: '      order by c.window_start);\n',
    tests: [races('one-id-two-uses', 'a charge and a give-back that wait for one counter')]
  },
  {
    id: 'give-back-locks-in-order',
    guard: 'a give-back locks the counter of an earlier window before that of the current one, as everybody does',
    file: DECREMENT,
    find: '      order by c.window_start\n',
    replace: '      order by c.window_start desc\n',
    tests: [races('held-windows', 'a give-back of a charge in an earlier window')]
  },
  {
    id: 'give-back-begins-anew',
    guard: 'a give-back that learns from its id of a charge in an earlier window does not lock that one last',
    file: DECREMENT,
    find: 'if v_charge.window_start <> all (v_locked) then',
    replace: 'if false then',
    tests: [races('one-id-two-uses', 'a give-back that learns from its id')]
  },
  {
    id: 'give-back-opens-its-window-first',
    guard: 'a give-back makes the counter it locks: it must hold it before the request id',
    file: DECREMENT,
    find: '    perform app.open_windows(array[p_account_id], array[p_metric], false);\n',
    replace: '',
    tests: [races('one-id-two-uses', 'also where the counter is new')]
  },
  {
    id: 'give-back-holds-the-account-first',
    guard: 'a give-back by request id holds the account before its counters: no window changes while it holds some',
    file: DECREMENT,
    find: '    perform from app.accounts a where a.account_id = p_account_id for share;\n',
    replace: '',
    tests: [races('held-windows', 'a give-back by request id holds the account')]
  },
  {
    id: 'give-back-of-a-reservation',
    guard: 'a reservation is settled, not given back',
    file: DECREMENT,
    find: `if v_charge.reason = 'reserve' then`,
    replace: 'if false then',
    tests: [pgtap('decrement_usage')]
  }
]
