import { type Mutant, pgtap, races } from './mutant.ts'

const AT_ONCE = 'supabase/schemas/internal/decide_usage_at_once.sql'
const MANY = 'supabase/schemas/functions/check_and_increment_usage_many.sql'
const MOVE = 'supabase/schemas/internal/move_counters.sql'

/** BATCH_GUARDS make a batch decide each of its requests as if it had come alone. */
export const BATCH_GUARDS: Mutant[] = [
  {
    id: 'batch-quota',
    guard: 'the condition of a batch’s UPDATE: no counter is charged more than its quota',
    file: MOVE,
    find: '      and (v_counter.quota is null or c.used + v_counter.amount <= v_counter.quota)\n',
    replace: '',
    tests: [pgtap('internal/move_counters')],
    quick: true
  },
  {
    id: 'batch-some-fit',
    guard: 'a batch of which some fit is decided one by one, exactly',
    file: AT_ONCE,
    find: 'where not k.allowed and (k.quota is null or k.used + k.smallest <= k.quota)',
    replace: 'where false',
    tests: [pgtap('internal/decide_usage_at_once')],
    quick: true
  },
  {
    id: 'batch-looks-again',
    guard: 'once its counters are locked, the accounts of a batch are as they were, or it is decided one by one',
    file: AT_ONCE,
    find: 'where a is distinct from s',
    replace: 'where false',
    tests: [races('held-locks', 'a batch that waits for a downgrade')]
  },
  {
    id: 'batch-request-ids',
    guard: 'a batch with a request id that is known, or used twice, charges it once',
    file: AT_ONCE,
    find: 'if v_noted <> (select count(r) from unnest(p_request_ids) r) then',
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage_at_once')]
  },
  {
    id: 'batch-after-a-give-back',
    guard: 'a batch does not charge an id that has given units back',
    file: AT_ONCE,
    find: 'join app.usage_returns r on r.account_id = e.account_id and r.request_id = e.request_id',
    replace: 'join app.usage_returns r on false',
    tests: [pgtap('internal/decide_usage_at_once')]
  },
  {
    id: 'batch-closed-account',
    guard: 'a batch grants a closed account nothing',
    file: AT_ONCE,
    find: 'join app.accounts a on a.account_id = k.account_id and a.closed_at is null',
    replace: 'join app.accounts a on a.account_id = k.account_id',
    tests: [pgtap('check_and_increment_usage_many.closed')]
  },
  {
    id: 'batch-first-use-locks-the-account',
    guard: 'the shared lock of the account at a first use in a batch',
    file: 'supabase/schemas/internal/open_windows.sql',
    find: 'perform from app.accounts a where a.account_id = v_missing.account_id for share;',
    replace: '',
    tests: [races('held-locks', 'a downgrade waits for the first use of a window in a batch')]
  },
  {
    id: 'batch-sent-again',
    guard: 'a batch that is sent again, because its connection was lost, has its first answer and charges nothing',
    file: MANY,
    find: 'where p_batch_id is not null\n',
    replace: 'where false\n',
    tests: [pgtap('check_and_increment_usage_many')]
  },
  {
    id: 'batch-size',
    guard: 'a batch has at most 1,000 entries',
    file: MANY,
    find: 'if v_count > 1000 then',
    replace: 'if false then',
    tests: [pgtap('check_and_increment_usage_many')],
    quick: true
  },
  {
    id: 'batch-lock-order',
    guard: 'a batch locks its counters in one order: two batches that name them in opposite orders do not deadlock',
    file: 'supabase/schemas/internal/decide_usage_one_by_one.sql',
    find: 'order by e.account_id, e.metric, e.place',
    replace: 'order by e.place',
    tests: [races('held-locks', 'a batch that is decided one by one')]
  }
]
