import { type Mutant, pgtap, races } from './mutant.ts'

const RECORD = 'supabase/schemas/functions/record_billing_event.sql'
const LINK = 'supabase/schemas/internal/link_account.sql'
const ACT = 'supabase/schemas/internal/act_on_event.sql'

/** INBOX_GUARDS keep each delivery in the inbox once, with one effect, whoever else handles it. */
export const INBOX_GUARDS: Mutant[] = [
  {
    id: 'inbox-on-conflict',
    guard: 'ON CONFLICT on (processor, event id): a second delivery finds the first one’s row',
    file: RECORD,
    find: `  on conflict (processor, id) do update
  set deliveries = e.deliveries + case when p_is_retry then 0 else 1 end,
      -- What is about to be applied is what is kept.
      kind = case when e.status = 'failed' then excluded.kind else coalesce(e.kind, excluded.kind) end,
      payload = case when e.status = 'failed' then excluded.payload else e.payload end,
      payload_sha256 = case when e.status = 'failed' then excluded.payload_sha256 else e.payload_sha256 end\n`,
    replace: '',
    tests: [pgtap('record_billing_event')],
    quick: true
  },
  {
    id: 'inbox-processed-is-final',
    guard: 'what was processed before is a duplicate and has no second effect',
    file: RECORD,
    find: `if v_row.status in ('processed', 'ignored', 'dead', 'discarded') then`,
    replace: `if v_row.status in ('ignored', 'dead', 'discarded') then`,
    tests: [pgtap('record_billing_event')],
    quick: true
  },
  {
    id: 'inbox-discarded-is-final',
    guard: 'what an operator discarded stays without effect, however often it is delivered',
    file: RECORD,
    find: `if v_row.status in ('processed', 'ignored', 'dead', 'discarded') then`,
    replace: `if v_row.status in ('processed', 'ignored', 'dead') then`,
    tests: [pgtap('discard_event_as'), pgtap('record_billing_event')]
  },
  {
    id: 'inbox-ids-lock',
    guard: 'the lock on the ids of an event: a link cannot slip in between "not known yet" and noting that',
    file: RECORD,
    find: `perform pg_advisory_xact_lock(hashtextextended(p_processor || ':' || o, 0))`,
    replace: 'perform o',
    tests: [races('review-races', 'a link waits for a payment that is failing')]
  },
  {
    id: 'inbox-account-lock',
    guard: 'the lock on the account while an event takes effect',
    file: RECORD,
    find: 'perform from app.accounts a where a.account_id = v_account_id for no key update;',
    replace: '',
    tests: [races('held-locks', 'two events of one account')]
  },
  {
    id: 'inbox-deadlock-is-raised',
    guard: 'a deadlock is raised, to be repeated, and not noted as a failure of the event',
    file: RECORD,
    find: ' or deadlock_detected',
    replace: '',
    tests: [races('held-locks', 'a deadlock')]
  },
  {
    id: 'inbox-failed-effect-is-kept',
    guard: 'a failed effect leaves the delivery in the inbox, with its error',
    file: RECORD,
    find: '      when others then',
    replace: `      when sqlstate 'PY413' then`,
    tests: [pgtap('record_billing_event')],
    quick: true
  },
  {
    id: 'inbox-dead-after-ten',
    guard: 'a delivery is given up after ten attempts',
    file: RECORD,
    find: `case when v_row.attempts + 1 >= 10 then 'dead' else 'failed' end`,
    replace: `'failed'`,
    tests: [pgtap('record_billing_event')]
  },
  {
    id: 'inbox-growing-pauses',
    guard: 'retries wait longer each time',
    file: RECORD,
    find: 'exp(least(10, e.attempts + 1))',
    replace: 'exp(1)',
    tests: [pgtap('record_billing_event.kept')]
  },
  {
    id: 'inbox-stale-is-told',
    guard: 'an event older than what is known is told as stale',
    file: RECORD,
    find: `case when s.as_of_event_id = p_event_id then 'processed' else 'stale' end`,
    replace: `'processed'`,
    tests: [pgtap('record_billing_event', 'record_billing_event.order')]
  },
  {
    id: 'inbox-tie-is-told',
    guard: 'two states of one instant are told, so that the processor is asked which holds',
    file: RECORD,
    find: 'and o.occurred_at = p_occurred_at and o.event_rank = p_event_rank);',
    replace: 'and false);',
    tests: [pgtap('record_billing_event.order', 'record_billing_event')]
  },
  {
    id: 'inbox-payload-of-what-was-applied',
    guard: 'the body that is kept is the one that was applied',
    file: RECORD,
    find: `payload = case when e.status = 'failed' then excluded.payload else e.payload end`,
    replace: 'payload = excluded.payload',
    tests: [pgtap('record_billing_event.kept')]
  },
  {
    id: 'inbox-customer-is-no-account',
    guard: 'a payment is not given to an account by its customer, who may pay for several',
    file: RECORD,
    find: `case when p_kind in ('link', 'state', 'closed') then p_customer_id end`,
    replace: 'p_customer_id',
    tests: [pgtap('record_billing_event', 'record_billing_event.order', 'record_billing_event.reversals', 'record_billing_event.money')]
  },
  {
    id: 'inbox-earliest-tombstone',
    guard: 'of two reports that a customer was deleted the earlier one holds',
    file: RECORD,
    find: `
        where (excluded.occurred_at, excluded.event_id collate "C") < (app.tombstones.occurred_at, app.tombstones.event_id collate "C");`,
    replace: ';',
    tests: [pgtap('record_billing_event.closed')]
  },
  {
    id: 'inbox-closed-once',
    guard: 'an account stays closed as of its first end',
    file: RECORD,
    find: 'least(a.closed_at, p_occurred_at)',
    replace: 'p_occurred_at',
    tests: [pgtap('record_billing_event.closed')]
  },
  {
    id: 'link-first-come',
    guard: 'ON CONFLICT: an id of a processor stays with the account it was first tied to',
    file: LINK,
    find: 'on conflict (processor, object_id) do nothing',
    replace: 'on conflict (processor, object_id) do update set account_id = excluded.account_id',
    tests: [pgtap('internal/link_account')],
    quick: true
  },
  {
    id: 'link-wakes-the-waiting',
    guard: 'a link wakes only what waited for one of its ids',
    file: LINK,
    find: '(e.subscription_id = any (v_new) or e.customer_id = any (v_new) or e.object_ids && v_new)',
    replace: 'true',
    tests: [pgtap('internal/link_account')]
  },
  {
    id: 'subscription-stays-with-its-account',
    guard: 'a subscription never moves to another account that an event names',
    file: 'supabase/schemas/internal/account_of_event.sql',
    find: '(select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_subscription_id),',
    replace: '',
    tests: [pgtap('internal/account_of_event')],
    quick: true
  },
  {
    id: 'claim-skips-locked',
    guard: 'the row lock of a claim: two workers never get the same delivery',
    file: 'supabase/schemas/functions/claim_webhook_events.sql',
    find: 'for update skip locked',
    replace: '',
    tests: [races('held-locks', 'a delivery')]
  },
  {
    id: 'claim-lease',
    guard: 'a claimed delivery is nobody else’s for a minute',
    file: 'supabase/schemas/functions/claim_webhook_events.sql',
    find: `interval '60 seconds'`,
    replace: `interval '0'`,
    tests: [pgtap('claim_webhook_events')]
  },
  {
    id: 'replay-leaves-the-processed-alone',
    guard: 'an operator cannot replay what was processed: it would apply twice',
    file: ACT,
    find: `if v_before not in ('failed', 'dead', 'discarded') then`,
    replace: 'if false then',
    tests: [pgtap('internal/act_on_event', 'replay_webhook_event')],
    quick: true
  },
  {
    id: 'replay-row-lock',
    guard: 'the row lock: a delivery that is being applied is waited for before it is replayed or discarded',
    file: ACT,
    find: `where e.processor = p_processor and e.id = p_event_id
  for update;`,
    replace: 'where e.processor = p_processor and e.id = p_event_id;',
    tests: [races('held-deliveries', 'a delivery that is being applied is waited for')]
  },
  {
    id: 'price-wakes-the-waiting',
    guard: 'a price that becomes known wakes what failed for want of it, and nothing else',
    file: 'supabase/schemas/functions/upsert_price.sql',
    find: `and d.last_error like 'PY412%'`,
    replace: '',
    tests: [pgtap('upsert_price')]
  },
  {
    id: 'dry-run-changes-nothing',
    guard: 'a dry reconciliation takes back what it did',
    file: 'supabase/schemas/functions/reconcile_event.sql',
    find: `if p_dry_run or outcome = 'same' then`,
    replace: `if outcome = 'same' then`,
    tests: [pgtap('reconcile_event')],
    quick: true
  }
]
