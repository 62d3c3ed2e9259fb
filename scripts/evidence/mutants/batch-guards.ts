import { type Mutant, pgtap, races } from './mutant.ts'

const AT_ONCE = 'supabase/schemas/internal/decide_usage_at_once.sql'
const MANY = 'supabase/schemas/functions/check_and_increment_usage_many.sql'
const PLAIN = 'supabase/schemas/internal/plain_entries.sql'

/** BATCH_GUARDS make a batch decide each of its requests as if it had come alone. */
export const BATCH_GUARDS: Mutant[] = [
  {
    id: 'batch-quota',
    guard: 'the condition of a batch’s charge: no counter is charged more than its quota',
    file: AT_ONCE,
    find: 'when (k.quota is null or k.used + k.total <= k.quota) and k.row is not null then k.total',
    replace: 'when k.row is not null then k.total',
    tests: [pgtap('internal/decide_usage_at_once')],
    quick: true
  },
  {
    id: 'batch-locks-only-what-fits',
    guard: 'a batch that is refused waits for nobody',
    file: AT_ONCE,
    find: 'where v_ids > 0 or k.quota is null or c.used + k.smallest <= k.quota\n',
    replace: '',
    tests: [races('held-locks', 'a batch that is refused')]
  },
  {
    id: 'batch-some-fit',
    guard: 'a batch of which some fit is sorted out, exactly',
    file: AT_ONCE,
    find: 'when k.used + k.smallest > k.quota then 0 end',
    replace: 'else 0 end',
    tests: [pgtap('internal/decide_usage_at_once')],
    quick: true
  },
  {
    id: 'batch-counts-no-further-than-it-can',
    guard: 'a batch takes no counter beyond what can be counted',
    file: AT_ONCE,
    find: 'case when k.used > 9007199254740991 - k.total then null\n                when',
    replace: 'case when',
    tests: [pgtap('internal/decide_usage_at_once')]
  },
  {
    id: 'batch-bad-entries',
    guard: 'an entry that is bad is not decided at once',
    file: AT_ONCE,
    find: 'if not v_good then',
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage_at_once')]
  },
  {
    id: 'batch-looks-again',
    guard: 'once its counters are locked, the accounts of a batch are as they were, or it is sorted out',
    file: AT_ONCE,
    find: ') <> cardinality(v_versions) then',
    replace: ') < 0 then',
    tests: [races('held-locks', 'a batch that waits for a downgrade')]
  },
  {
    id: 'batch-request-ids',
    guard: 'a batch with a request id that is known, or used twice, charges it once',
    file: AT_ONCE,
    find: 'if v_noted <> v_ids then',
    replace: 'if false then',
    tests: [pgtap('internal/decide_usage_at_once')]
  },
  {
    id: 'batch-plain-is-uniform',
    guard: 'of a counter on which some fit and some do not, nothing is decided at once',
    file: PLAIN,
    find: '               and (n.quota is null or c.used + f.total <= n.quota or c.used + f.smallest > n.quota) as fits\n',
    replace: '               as fits\n',
    tests: [pgtap('internal/plain_entries')]
  },
  {
    id: 'batch-plain-ids-are-new',
    guard: 'an entry whose request id is known is answered by what was decided then',
    file: PLAIN,
    find: '            and not exists (select from app.usage_requests r where r.account_id = e.account_id and r.request_id = e.request_id)\n',
    replace: '',
    tests: [pgtap('internal/plain_entries')]
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
    find: 'if p_batch_id is not null then',
    replace: 'if false then',
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
    guard: 'a batch locks its counters in one order',
    file: AT_ONCE,
    find: '    order by k.place\n    for update of c\n',
    replace: '    order by k.place desc\n    for update of c\n',
    tests: [races('held-locks', 'a batch has locked')]
  },
  {
    id: 'batch-lock-order-sorted-out',
    guard: 'so does one that is sorted out',
    file: 'supabase/schemas/internal/open_windows.sql',
    find: '    order by c.account_id, c.metric, c.window_start\n',
    replace: '    order by c.account_id desc\n',
    tests: [races('held-locks', 'a batch that is sorted out')]
  },
  {
    id: 'customer-accounts-in-order',
    guard: 'the accounts of a deleted customer are locked in the order of their ids',
    file: 'supabase/schemas/functions/record_billing_event.sql',
    find: "if p_kind = 'closed' and p_processor <> 'clerk' then\n          -- Several",
    replace: 'if false then\n          -- Several',
    tests: [races('held-deliveries', 'the end of a customer')]
  }
]
