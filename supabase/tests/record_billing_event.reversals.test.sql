-- record_billing_event, part 5: refunds and disputes. What a payment's reversal ends, what ends that, and that neither the
-- order of events nor the time at which a payment's other names become known makes a difference.
begin;
select plan(67);

create function pg_temp.travel(p_to timestamptz) returns void language sql as $$
  update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from p_to - now())::float8)
$$;
do $$ begin
  perform pg_temp.travel('2027-03-10 12:00+00');
  perform api.upsert_price('stripe', 'price_' || p || '_monthly', p, 'month') from unnest(array['starter', 'growth', 'enterprise']) p;
  perform api.upsert_price('paddle', 'price_growth_monthly', 'growth', 'month'), api.upsert_price('razorpay', 'price_growth_monthly', 'growth', 'month');
  perform api.check_and_increment_usage('user_1', 'messages', 40);
  perform api.check_and_increment_usage('user_other', 'messages', 7);
end $$;

-- What the processor says, by name. Start and length of the period are in months after 1 February. Only the first state names
-- the account, as with Stripe: a refund names a payment intent and a charge, and an invoice names neither.
create temp table said (
  name text primary key, kind text not null, at timestamptz not null, event_rank integer not null, status text, payment text, plan text,
  month integer, payment_id text, object_ids text[] default '{}', reversal_id text, reversal_status text, amount bigint,
  subscription text, account text, processor text default 'stripe', customer text
);
insert into said (name, kind, at, event_rank, status, plan, month, subscription, account, customer) values
  ('begun',          'state', '2027-02-01 10:00:00+00', 0, 'active',   'growth', 0, 'sub_1', 'user_1', 'cus_1'),
  ('renewed',        'state', '2027-03-01 10:00:00+00', 2, 'active',   'growth', 1, 'sub_1', null, 'cus_1'),
  ('past due',       'state', '2027-03-07 10:00:00+00', 2, 'past_due', 'growth', 1, 'sub_1', null, 'cus_1'),
  ('next month',     'state', '2027-04-01 10:00:00+00', 2, 'active',   'growth', 2, 'sub_1', null, 'cus_1'),
  ('canceled',       'state', '2027-03-08 10:00:00+00', 3, 'canceled', null,  null, 'sub_1', null, 'cus_1'),
  ('second begun',   'state', '2027-03-02 10:00:00+00', 0, 'active',   'starter', 1, 'sub_2', 'user_1', 'cus_1');
insert into said (name, kind, at, event_rank, payment, plan, month, payment_id, amount, subscription) values
  ('paid',            'payment', '2027-02-01 10:00:05+00', 1, 'paid', 'growth', 0, 'in_1', 7900, 'sub_1'),
  ('renewal paid',    'payment', '2027-03-01 11:00:00+00', 1, 'paid', 'growth', 1, 'in_2', 7900, 'sub_1'),
  ('next month paid', 'payment', '2027-04-01 11:00:00+00', 1, 'paid', 'growth', 2, 'in_3', 7900, 'sub_1'),
  ('extra paid',      'payment', '2027-03-03 10:00:00+00', 1, 'paid', null, null, 'in_extra', 500, 'sub_1');
insert into said (name, kind, at, event_rank, payment_id, object_ids) values
  ('settled',         'link', '2027-02-01 10:00:06+00', 1, 'in_1', array['pi_1']),
  ('renewal settled', 'link', '2027-03-01 11:00:01+00', 1, 'in_2', array['pi_2']),
  ('charge told',     'link', '2027-03-01 11:00:02+00', 1, 'in_2', array['ch_2']),
  ('next settled',    'link', '2027-04-01 11:00:01+00', 1, 'in_3', array['pi_3']),
  ('extra settled',   'link', '2027-03-03 10:00:01+00', 1, 'in_extra', array['pi_extra']);
insert into said (name, kind, at, event_rank, reversal_id, reversal_status, object_ids, amount) values
  ('refund pending',   'refund', '2027-03-05 10:00:00+00', 0, 're_1', 'pending',  array['pi_2', 'ch_2'], 7900),
  ('refund succeeded', 'refund', '2027-03-05 10:00:00+00', 2, 're_1', 'reversed', array['pi_2', 'ch_2'], 7900),
  ('refund failed',    'refund', '2027-03-08 10:00:00+00', 2, 're_1', 'restored', array['pi_2', 'ch_2'], 7900),
  ('part',             'refund', '2027-03-05 11:00:00+00', 2, 're_2', 'reversed', array['pi_2'], 3000),
  ('rest',             'refund', '2027-03-06 11:00:00+00', 2, 're_3', 'reversed', array['ch_2'], 4900),
  ('rest less a cent', 'refund', '2027-03-06 11:00:00+00', 2, 're_4', 'reversed', array['pi_2'], 4899),
  ('old refund',       'refund', '2027-03-05 10:00:00+00', 2, 're_old', 'reversed', array['pi_1'], 7900),
  ('old dispute',      'dispute', '2027-03-05 10:00:00+00', 0, 'dp_old', 'reversed', array['pi_1'], 7900),
  ('extra refund',     'refund', '2027-03-05 10:00:00+00', 2, 're_extra', 'reversed', array['pi_extra'], 7900),
  ('inquiry',          'dispute', '2027-03-04 10:00:00+00', 0, 'dp_1', 'pending',  array['pi_2', 'ch_2'], 7900),
  ('dispute opened',   'dispute', '2027-03-05 10:00:00+00', 0, 'dp_1', 'reversed', array['pi_2', 'ch_2'], 7900),
  ('part disputed',    'dispute', '2027-03-05 10:00:00+00', 0, 'dp_2', 'reversed', array['pi_2', 'ch_2'], 1),
  ('dispute won',      'dispute', '2027-03-09 10:00:00+00', 3, 'dp_1', 'restored', array['pi_2', 'ch_2'], 7900),
  ('next disputed',    'dispute', '2027-04-05 10:00:00+00', 0, 'dp_3', 'reversed', array['pi_3'], 7900),
  ('next dispute won', 'dispute', '2027-04-06 10:00:00+00', 3, 'dp_3', 'restored', array['pi_3'], 7900),
  ('dispute lost',     'dispute', '2027-03-09 10:00:00+00', 3, 'dp_1', 'reversed', array['pi_2', 'ch_2'], 7900);
-- The other two: Paddle's refunds name subscription and transaction, Razorpay's the payment alone.
insert into said (name, kind, at, event_rank, status, payment, plan, month, payment_id, reversal_id, reversal_status, amount, subscription, account, processor) values
  ('paddle begun',     'state',   '2027-03-01 10:00:00+00', 0, 'active', null, 'growth', 1, null, null, null, null, 'sub_p', 'user_1', 'paddle'),
  ('paddle paid',      'payment', '2027-03-01 10:00:05+00', 1, null, 'paid', 'growth', 1, 'txn_1', null, null, 7900, 'sub_p', 'user_1', 'paddle'),
  ('paddle refund',    'refund',  '2027-03-05 10:00:00+00', 2, null, null, null, null, 'txn_1', 'adj_1', 'reversed', 7900, 'sub_p', null, 'paddle'),
  ('razorpay begun',   'state',   '2027-03-01 10:00:00+00', 0, 'active', null, 'growth', 1, null, null, null, null, 'sub_r', 'user_1', 'razorpay'),
  ('razorpay charged', 'payment', '2027-03-01 10:00:05+00', 1, null, 'paid', 'growth', 1, 'pay_1', null, null, 7900, 'sub_r', 'user_1', 'razorpay'),
  ('razorpay refund',  'refund',  '2027-03-05 10:00:00+00', 2, null, null, null, null, 'pay_1', 'rfnd_1', 'reversed', 7900, null, null, 'razorpay');

create function pg_temp.deliver(p_name text, p_is_retry boolean default false) returns text language sql as $$
  select r.outcome from said s cross join lateral api.record_billing_event(
    s.account, s.processor, 'evt_' || s.name, 'test.' || s.kind, s.kind, s.at, s.event_rank, s.customer, s.subscription, s.status, s.payment,
    case when s.plan is not null then array['price_' || s.plan || '_monthly'] end,
    case when s.plan is not null then array['2027-02-01 10:00+00'::timestamptz + make_interval(months => s.month)] end,
    case when s.plan is not null then array['2027-02-01 10:00+00'::timestamptz + make_interval(months => s.month + 1)] end,
    null, s.amount, 'USD', '{}', null, p_is_retry, null, s.payment_id, s.object_ids, s.reversal_id, s.reversal_status) r
  where s.name = p_name
$$;
-- Delivers in this order; whatever was woken is worked off as the worker does. What nothing wakes stays undone.
create function pg_temp.deliver_all(p_names text[]) returns void language plpgsql as $$
declare
  v_name text;
begin
  foreach v_name in array p_names loop
    perform pg_temp.deliver(v_name);
  end loop;
  loop
    select substr(e.id, 5) into v_name from app.webhook_events e where e.status = 'failed' and e.next_attempt_at <= app.clock() order by e.id limit 1;
    exit when v_name is null;
    perform pg_temp.deliver(v_name, true);
  end loop;
end
$$;
create function pg_temp.everything() returns jsonb language sql as $$
  select jsonb_build_object(
    'subscriptions', (select jsonb_agg(to_jsonb(s) - array['as_of', 'as_of_rank', 'as_of_event_id'] order by s.account_id, s.subscription_id) from app.processor_subscriptions s),
    'accounts', (select jsonb_agg(to_jsonb(a) order by a.account_id) from app.accounts a),
    'windows', (select jsonb_agg(jsonb_build_array(w.account_id, w.subscription_id, w.window_start, w.window_end) order by w.account_id, w.subscription_id, w.window_start) from app.windows w),
    'reversals', (select jsonb_agg(jsonb_build_array(r.account_id, r.reversal_id, r.event_id, r.status, r.amount_minor) order by r.event_id) from app.reversal_events r),
    'undone', (select jsonb_agg(e.id order by e.id) from app.webhook_events e where e.status in ('failed', 'dead')),
    'counters', (select jsonb_agg(to_jsonb(c) order by c.account_id, c.metric, c.window_start) from app.counters c))
$$;
-- The state after these events, which is then as if it had never been.
create function pg_temp.state_after(p_names text[]) returns jsonb language plpgsql as $$
begin
  perform pg_temp.deliver_all(p_names);
  raise exception using errcode = 'ZZ001', message = pg_temp.everything()::text;
exception when sqlstate 'ZZ001' then
  return sqlerrm::jsonb;
end
$$;
create function pg_temp.orders(p_names text[]) returns setof text[] language sql as $$
  with recursive place as (
    select array[n] as taken from unnest(p_names) n
    union all
    select p.taken || n from place p cross join unnest(p_names) n where n <> all (p.taken)
  )
  select taken from place where cardinality(taken) = cardinality(p_names)
$$;
-- In short: plan of the account, its subscriptions, what is undone.
create function pg_temp.short(p_state jsonb) returns text language sql as $$
  select concat_ws(' | ',
    (select a ->> 'plan' from jsonb_array_elements(p_state -> 'accounts') a where a ->> 'account_id' = 'user_1'),
    (select string_agg(concat_ws(' ', s ->> 'subscription_id', s ->> 'status', case when (s ->> 'in_force')::boolean then 'in force' end,
                                 'suspended by ' || (s ->> 'suspended_by')), ', ' order by s ->> 'subscription_id')
     from jsonb_array_elements(p_state -> 'subscriptions') s where s ->> 'account_id' = 'user_1'),
    'undone: ' || nullif(p_state ->> 'undone', 'null'))
$$;
create function pg_temp.after(p_names text[]) returns text language sql as $$ select pg_temp.short(pg_temp.state_after(p_names)) $$;
-- … the one thing that, after a first event, all orders of these events lead to, also with each of them delivered again at the end.
create function pg_temp.always(p_first text, p_names text[], p_short text, p_title text) returns setof text language sql as $$
  select is((select count(distinct s) from (
      select pg_temp.state_after(array_remove(array[p_first], null) || o) s from pg_temp.orders(p_names) o
      union all
      select pg_temp.state_after(array_remove(array[p_first], null) || o || n) from (select o from pg_temp.orders(p_names) o limit 6) x, unnest(p_names) n) y), 1::bigint, p_title || ': one state in all orders')
  union all
  select is(pg_temp.after(array_remove(array[p_first], null) || p_names), p_short, '… which is that')
$$;
create temp table before_all as select pg_temp.everything() as state;

-- the machinery of this file itself
select is((select count(*) from pg_temp.orders(array['begun', 'paid', 'settled', 'renewed'])), 24::bigint, 'four events come in 24 orders');
select is(pg_temp.after(array['begun', 'paid']), 'growth | sub_1 active in force', 'what is paid is in force');
select is(pg_temp.everything(), (select state from before_all), 'trying an order out leaves nothing behind');

-- full refund of the running period
select is(pg_temp.after(array['begun', 'renewed', 'renewal paid', 'renewal settled', 'refund pending']), 'growth | sub_1 active in force', 'a refund that is under way changes nothing');
select is(pg_temp.after(array['begun', 'renewed', 'renewal paid', 'renewal settled', 'refund succeeded']), 'free | sub_1 active suspended by re_1',
  'a full refund of the running period ends what it grants: the account is free, the subscription stays active and is not in force');
select pg_temp.always('renewed', array['renewal paid', 'renewal settled', 'refund pending', 'refund succeeded', 'begun'], 'free | sub_1 active suspended by re_1',
  'state, payment, its link, refund pending and succeeded');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'refund succeeded', 'refund pending']), 'free | sub_1 active suspended by re_1', 'a pending refund that is told after it succeeded takes nothing back');
select pg_temp.always('begun', array['renewal paid', 'renewal settled', 'refund succeeded', 'refund failed'], 'growth | sub_1 active in force', 'a refund that fails after all restores the plan');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'refund succeeded', 'canceled']), 'free | sub_1 canceled suspended by re_1', 'a subscription refunded and then canceled is canceled');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'refund succeeded', 'past due']), 'free | sub_1 past_due suspended by re_1', 'being past due is no way out of a suspension');

-- parts
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'part']), 'growth | sub_1 active in force', 'a part that is given back changes nothing');
select is((select count(distinct pg_temp.state_after(array['begun'] || o)) from pg_temp.orders(array['renewal paid', 'renewal settled', 'charge told', 'part', 'rest']) o), 1::bigint,
  'two parts under different names of one payment: one state in all orders');
select is(pg_temp.after(array['begun', 'part', 'rest', 'renewal settled', 'charge told', 'renewal paid']), 'free | sub_1 active suspended by re_3', '… that are all of it together');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'part', 'rest less a cent']), 'growth | sub_1 active in force', 'two parts that leave a cent end nothing');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'part', 'part']), 'growth | sub_1 active in force', 'the same part told twice is given back once');

-- disputes
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'inquiry']), 'growth | sub_1 active in force', 'a question of the bank changes nothing');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'dispute opened']), 'free | sub_1 active suspended by dp_1', 'a dispute ends what the payment granted when it is opened');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'part disputed']), 'free | sub_1 active suspended by dp_2', '… of whatever part of the payment');
select pg_temp.always('begun', array['renewal paid', 'renewal settled', 'dispute opened', 'dispute won'], 'growth | sub_1 active in force', 'a dispute that is won restores the plan');
select pg_temp.always('begun', array['renewal paid', 'renewal settled', 'dispute opened', 'dispute lost'], 'free | sub_1 active suspended by dp_1', 'a dispute that is lost leaves it ended');
select is((select count(distinct pg_temp.short(pg_temp.state_after(array['begun', 'renewal paid', 'renewal settled'] || o)))
           from pg_temp.orders(array['dispute lost', 'next month', 'next month paid']) o), 1::bigint, 'a lost dispute and the next month: one state in all orders');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'dispute lost', 'next month paid']), 'growth | sub_1 active in force', '… paid, the next month is granted');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'dispute opened', 'dispute won', 'refund succeeded']), 'free | sub_1 active suspended by re_1', 'a refund counts though a dispute of the same payment was won');

-- older periods, other payments, other subscriptions
select pg_temp.always('begun', array['paid', 'settled', 'renewal paid', 'old refund'], 'growth | sub_1 active in force', 'a full refund of an older period''s payment changes nothing');
select is(pg_temp.after(array['begun', 'paid', 'settled', 'renewal paid', 'old dispute']), 'growth | sub_1 active in force', 'nor does a dispute of it');
select is(pg_temp.after(array['begun', 'renewal paid', 'extra paid', 'extra settled', 'extra refund']), 'growth | sub_1 active in force', 'nor a refund of a payment for no period, whatever its amount');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'second begun', 'refund succeeded']), 'starter | sub_1 active suspended by re_1, sub_2 active in force',
  'another subscription comes into force when the larger one is suspended');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'second begun', 'dispute opened', 'dispute won']), 'growth | sub_1 active in force, sub_2 active', '… and goes back when it is restored');

-- Paddle, Razorpay
select pg_temp.always(null, array['paddle begun', 'paddle paid', 'paddle refund'], 'free | sub_p active suspended by adj_1', 'Paddle''s refund, known by its subscription before its payment');
select pg_temp.always(null, array['razorpay begun', 'razorpay charged', 'razorpay refund'], 'free | sub_r active suspended by rfnd_1', 'Razorpay''s refund, which names the payment alone');

-- the plan's policy
update app.plans set on_refund = 'keep' where plan = 'growth';
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'refund succeeded']), 'growth | sub_1 active in force', 'a plan that keeps on a refund is kept');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'refund succeeded', 'dispute opened']), 'free | sub_1 active suspended by dp_1', '… and still ends on a dispute');
update app.plans set on_refund = 'end', on_dispute = 'keep' where plan = 'growth';
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'dispute lost']), 'growth | sub_1 active in force', 'a plan that keeps on a dispute is kept');
select is(pg_temp.after(array['begun', 'renewal paid', 'renewal settled', 'dispute lost', 'refund succeeded']), 'free | sub_1 active suspended by re_1', '… and still ends on a refund');
update app.plans set on_dispute = 'end' where plan = 'growth';

-- the payment's names
select is((select array_agg(pg_temp.deliver(n) order by i) from unnest(array['begun', 'renewal paid', 'refund succeeded']) with ordinality v (n, i)), array['processed', 'processed', 'failed'],
  'a refund of a payment known by no such name fails');
select results_eq($$ select left(last_error, 5), object_ids, account_id from app.webhook_events where id = 'evt_refund succeeded' $$, $$ values ('PY413', array['pi_2', 'ch_2'], null::text) $$,
  '… for want of that payment, whose names are kept');
select is(pg_temp.deliver('charge told'), 'processed', 'one of its names becomes known');
select is((select next_attempt_at from app.webhook_events where id = 'evt_refund succeeded'), app.clock(), '… which wakes the refund');
select is(pg_temp.deliver('refund succeeded', true), 'processed', '… and it takes effect');
select results_eq($$ select account_id, processor, kind, status, payment_ids, amount_minor, currency from app.reversal_events $$,
  $$ values ('user_1', 'stripe', 'refund', 'reversed', array['pi_2', 'ch_2'], 7900::bigint, 'USD') $$, 'what the refund said is kept as it was said, under the names it uses');
select results_eq($$ select object_id, stands_for from app.processor_links where processor = 'stripe' order by object_id collate "C" $$,
  $$ values ('ch_2', 'in_2'), ('cus_1', null), ('in_2', null), ('sub_1', null) $$, '… a refund teaches no names');
select is(pg_temp.deliver('refund succeeded'), 'duplicate', 'a refund delivered again is a duplicate');
select is((select count(*) from app.reversal_events), 1::bigint, '… and counted once');
select is((select plan from app.accounts where account_id = 'user_1'), 'free', 'the account is free');
select results_eq($$ select plan, subscribed_plan, status, subscription_id from api.read_account('user_1') $$, $$ values ('free', 'growth', 'active', 'sub_1') $$, '… and says what it is subscribed to');
do $$ begin perform pg_temp.deliver_all(array['renewed', 'past due']); end $$;
select is((select plan from app.accounts where account_id = 'user_1'), 'free', 'a later event of the same period does not bring the plan back');
do $$ begin perform pg_temp.deliver_all(array['next month']); end $$;
select is((select plan from app.accounts where account_id = 'user_1'), 'free', 'nor does a next period that is not paid yet');
do $$ begin perform pg_temp.deliver_all(array['next month paid']); end $$;
select is((select plan from app.accounts where account_id = 'user_1'), 'growth', 'a next period that is paid does');
select is((select suspended_by from app.processor_subscriptions where subscription_id = 'sub_1'), null, '… and nothing suspends it any more');

-- counters and windows
do $$ begin perform api.check_and_increment_usage('user_1', 'messages', 500); end $$;
create temp table windows_before as select * from app.windows;
do $$ begin perform pg_temp.deliver_all(array['next settled', 'next disputed']); end $$;
select results_eq($$ select allowed, used, quota, plan from api.check_and_increment_usage('user_1', 'messages') $$, $$ values (false, 500::bigint, 100::bigint, 'free') $$,
  'suspended, the quota is that of free, and what was used stays used in the same window');
do $$ begin perform pg_temp.deliver_all(array['next dispute won']); end $$;
select results_eq($$ select allowed, used, quota, plan from api.check_and_increment_usage('user_1', 'messages') $$, $$ values (true, 501::bigint, 10000::bigint, 'growth') $$,
  'restored, it counts on where it was');
select results_eq('select * from app.windows order by 1, 2, 3, 4', 'select * from windows_before order by 1, 2, 3, 4', 'no reversal opens or takes back a window');
select is((pg_temp.everything() -> 'accounts' -> 1) - 'x', ((select state from before_all) -> 'accounts' -> 1) - 'x', 'nor touches another account');

-- arguments
create function pg_temp.reversal(p_id text, p_reversal text, p_status text, p_payment text, p_objects text[] default '{}') returns text language sql as $$
  select r.outcome from api.record_billing_event(null, 'stripe', p_id, 't', 'refund', '2027-03-01', 2, null, null, null, null, null, null, null, null, 1, 'USD', '{}',
    null, false, null, p_payment, p_objects, p_reversal, p_status) r
$$;
select throws_ok(format('select pg_temp.reversal(''evt_x'', %s)', bad), 'PY004', 'reversal_id, reversal_status and a payment are required for a refund event', format('a refund of (%s) is refused', bad))
from unnest(array[$$null, 'reversed', 'in_2'$$, $$'', 'reversed', 'in_2'$$, $$'re_9', null, 'in_2'$$, $$'re_9', 'gone', 'in_2'$$, $$'re_9', 'reversed', null$$]) bad;
select throws_ok($$ select pg_temp.reversal('evt_x', 're_9', 'reversed', 'in_2', array['']) $$, 'PY004', 'payment_id and object_ids must have 1 to 255 characters', 'an empty name of a payment is refused');
select is((select count(*) from app.webhook_events where id = 'evt_x'), 0::bigint, 'a refused call leaves nothing in the inbox');

select * from finish();
rollback;
