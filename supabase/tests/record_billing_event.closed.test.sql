-- record_billing_event, part 6: ends that are final. A customer that was deleted at its processor, an account that was deleted
-- at Clerk, a subscription that was canceled: nothing that comes late revives them, in whatever order it comes.
begin;
select plan(83);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin
  perform api.upsert_price('stripe', 'price_' || p || '_monthly', p, 'month') from unnest(array['starter', 'growth', 'enterprise']) p;
  perform api.check_and_increment_usage('user_1', 'messages', 40), api.check_and_increment_usage('user_other', 'messages', 7);
  perform api.record_billing_event('user_other', 'stripe', 'evt_other', 't', 'state', '2027-03-05 09:00+00', 0, 'cus_other', 'sub_other', 'active', null,
    array['price_growth_monthly'], array['2027-03-05 09:00+00'::timestamptz], array['2027-04-05 09:00+00'::timestamptz], null, null, null, '{}');
end $$;

create temp table said (
  name text primary key, kind text not null, at timestamptz not null, event_rank integer not null, status text, payment text, plan text,
  month integer, payment_id text, reversal_id text, reversal_status text, subscription text, account text, customer text, processor text default 'stripe'
);
insert into said (name, kind, at, event_rank, status, plan, month, subscription, account, customer) values
  ('begun',        'state', '2027-02-01 10:00:00+00', 0, 'active',   'growth', 0, 'sub_1', 'user_1', 'cus_1'),
  ('renewed',      'state', '2027-03-01 10:00:00+00', 2, 'active',   'growth', 1, 'sub_1', 'user_1', 'cus_1'),
  ('past due',     'state', '2027-03-04 10:00:00+00', 2, 'past_due', 'growth', 1, 'sub_1', 'user_1', 'cus_1'),
  ('canceled',     'state', '2027-03-05 10:00:00+00', 3, 'canceled', null,  null, 'sub_1', 'user_1', 'cus_1'),
  ('active late',  'state', '2027-03-08 10:00:00+00', 2, 'active',   'enterprise', 1, 'sub_1', 'user_1', 'cus_1'),
  ('trial late',   'state', '2027-03-08 10:00:00+00', 2, 'trialing', 'growth', 1, 'sub_1', 'user_1', 'cus_1'),
  ('pause late',   'state', '2027-03-08 10:00:00+00', 2, 'paused',   null,  null, 'sub_1', 'user_1', 'cus_1'),
  ('nameless',     'state', '2027-03-09 10:00:00+00', 2, 'active',   'growth', 1, 'sub_1', 'user_1', null),
  ('next month',   'state', '2027-04-01 10:00:00+00', 2, 'active',   'growth', 2, 'sub_1', 'user_1', 'cus_1'),
  ('second',       'state', '2027-03-02 10:00:00+00', 0, 'active',   'starter', 1, 'sub_2', 'user_1', 'cus_1'),
  ('other wallet', 'state', '2027-03-02 10:00:00+00', 0, 'active',   'starter', 1, 'sub_w', 'user_1', 'cus_wallet'),
  ('shared',       'state', '2027-03-02 10:00:00+00', 0, 'active',   'starter', 1, 'sub_s', 'user_2', 'cus_1'),
  ('moved',        'state', '2027-03-03 10:00:00+00', 2, 'active',   'growth', 1, 'sub_1', 'user_1', 'cus_new');
insert into said (name, kind, at, event_rank, payment, plan, month, payment_id, subscription, account, customer) values
  ('paid',       'payment', '2027-03-01 11:00:00+00', 1, 'paid',   'growth', 1, 'in_2', 'sub_1', null, 'cus_1'),
  ('paid late',  'payment', '2027-03-08 10:00:00+00', 1, 'paid',   'growth', 1, 'in_2', 'sub_1', null, 'cus_1'),
  ('next paid',  'payment', '2027-04-01 11:00:00+00', 1, 'paid',   'growth', 2, 'in_3', 'sub_1', null, 'cus_1'),
  ('fails late', 'payment', '2027-03-08 10:00:00+00', 1, 'failed', 'growth', 1, 'in_2', 'sub_1', null, 'cus_1');
insert into said (name, kind, at, event_rank, payment_id, reversal_id, reversal_status, subscription) values
  ('disputed',    'dispute', '2027-03-04 10:00:00+00', 0, 'in_2', 'dp_1', 'reversed', null),
  ('won late',    'dispute', '2027-03-08 10:00:00+00', 3, 'in_2', 'dp_1', 'restored', null),
  ('refund late', 'refund',  '2027-03-08 10:00:00+00', 2, 'in_2', 're_1', 'reversed', null),
  ('refund fails late', 'refund', '2027-03-09 10:00:00+00', 2, 'in_2', 're_1', 'restored', null);
insert into said (name, kind, at, event_rank, subscription, account, customer, processor) values
  ('link late',             'link',   '2027-03-08 10:00:00+00', 0, 'sub_1', 'user_1', 'cus_1', 'stripe'),
  ('customer gone',         'closed', '2027-03-06 10:00:00+00', 3, null, null, 'cus_1', 'stripe'),
  ('customer gone earlier', 'closed', '2027-02-15 10:00:00+00', 3, null, null, 'cus_1', 'stripe'),
  ('user gone',             'closed', '2027-03-06 10:00:00+00', 3, null, 'user_1', null, 'clerk'),
  ('user gone again',       'closed', '2027-03-07 10:00:00+00', 3, null, 'user_1', null, 'clerk');

create function pg_temp.deliver(p_name text, p_is_retry boolean default false) returns text language sql as $$
  select r.outcome from said s cross join lateral api.record_billing_event(
    s.account, s.processor, 'evt_' || s.name, 'test.' || s.kind, s.kind, s.at, s.event_rank, s.customer, s.subscription, s.status, s.payment,
    case when s.plan is not null then array['price_' || s.plan || '_monthly'] end,
    case when s.plan is not null then array['2027-02-01 10:00+00'::timestamptz + make_interval(months => s.month)] end,
    case when s.plan is not null then array['2027-02-01 10:00+00'::timestamptz + make_interval(months => s.month + 1)] end,
    null, 7900, 'USD', '{}', null, p_is_retry, null, s.payment_id, '{}', s.reversal_id, s.reversal_status) r
  where s.name = p_name
$$;
create function pg_temp.deliver_all(p_names text[]) returns void language plpgsql as $$
declare
  v_name text;
begin
  foreach v_name in array p_names loop
    perform pg_temp.deliver(v_name);
  end loop;
  -- Whatever was woken is worked off, as the worker does.
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
    'operations', (select jsonb_agg(concat_ws(' ', o.account_id, o.subscription_id, o.kind, o.reason, case when o.next_attempt_at <= app.clock() then 'now' else o.status end)
                                    order by o.account_id, o.subscription_id) from app.processor_operations o where o.status <> 'refused'),
    'counters', (select jsonb_agg(to_jsonb(c) order by c.account_id, c.metric, c.window_start) from app.counters c))
$$;
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
create function pg_temp.short(p_state jsonb) returns text language sql as $$
  select concat_ws(' | ',
    (select string_agg(concat_ws(' ', a ->> 'account_id', a ->> 'plan', case when a ->> 'closed_at' is not null then 'closed' end), ', ' order by a ->> 'account_id')
     from jsonb_array_elements(p_state -> 'accounts') a where a ->> 'account_id' <> 'user_other'),
    (select string_agg(concat_ws(' ', s ->> 'subscription_id', s ->> 'status', case when (s ->> 'in_force')::boolean then 'in force' end), ', ' order by s ->> 'subscription_id')
     from jsonb_array_elements(p_state -> 'subscriptions') s where s ->> 'account_id' <> 'user_other'),
    (select string_agg(o, ', ') from jsonb_array_elements_text(nullif(p_state -> 'operations', 'null')) o))
$$;
create function pg_temp.after(p_names text[]) returns text language sql as $$ select pg_temp.short(pg_temp.state_after(p_names)) $$;
create function pg_temp.always(p_names text[], p_short text, p_title text) returns setof text language sql as $$
  select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(p_names) o), 1::bigint, p_title || ': one state in all orders')
  union all
  select results_eq(format('select distinct pg_temp.after(o) from pg_temp.orders(%L) o', p_names), array[p_short], '… which is that')
$$;
create temp table before_all as select pg_temp.everything() as state;

-- a customer that was deleted
select is(pg_temp.after(array['begun', 'renewed', 'paid']), 'user_1 growth | sub_1 active in force', 'a subscription is in force');
select is(pg_temp.after(array['begun', 'renewed', 'paid', 'customer gone']), 'user_1 free | sub_1 canceled', 'it ends with its customer');
select is(pg_temp.after(array['begun', 'past due', 'customer gone']), 'user_1 free | sub_1 canceled', '… also when it is past due');
select pg_temp.always(array['begun', 'renewed', 'customer gone', 'active late'], 'user_1 free | sub_1 canceled', 'begun, renewed, its customer deleted, an update after that');
select pg_temp.always(array['begun', 'second', 'customer gone'], 'user_1 free | sub_1 canceled, sub_2 canceled', 'both subscriptions of a deleted customer');
select is(pg_temp.after(array['begun', 'renewed', 'paid', 'customer gone', late]), 'user_1 free | sub_1 canceled', format('%s, after the customer was deleted, revives nothing', late))
from unnest(array['active late', 'trial late', 'pause late', 'nameless', 'paid late', 'fails late', 'link late', 'next month', 'next paid', 'refund late', 'canceled']) late;
select is(pg_temp.after(array['begun', 'renewed', 'paid', 'disputed', 'customer gone', 'won late']), 'user_1 free | sub_1 canceled', 'nor does a dispute that is won');
select is(pg_temp.after(array['begun', 'paid', 'customer gone', 'refund late', 'refund fails late']), 'user_1 free | sub_1 canceled', 'nor a refund that fails');
select is(pg_temp.state_after(array['begun', 'customer gone', 'next month', 'next paid']) -> 'windows', pg_temp.state_after(array['begun']) -> 'windows', 'nor does a period after the end open a window');
select is(pg_temp.after(array['customer gone', 'begun']), 'user_1 free | sub_1 canceled', 'a subscription of a deleted customer that is heard of only afterwards is over');
select is((pg_temp.state_after(array['begun', 'renewed', 'customer gone']) -> 'subscriptions' -> 0) - array['in_force', 'account_id'],
          (pg_temp.state_after(array['customer gone', 'renewed', 'begun']) -> 'subscriptions' -> 0) - array['in_force', 'account_id'], '… with the same plan and period as if it had been heard of before');
select is(pg_temp.after(array['begun', 'other wallet', 'customer gone']), 'user_1 starter | sub_1 canceled, sub_w active in force', 'a subscription of another customer of the same account goes on');
select pg_temp.always(array['shared', 'begun', 'customer gone'], 'user_1 free, user_2 free | sub_1 canceled, sub_s canceled', 'a customer that pays for two accounts is deleted');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['begun', 'customer gone', 'moved']) o), 1::bigint,
  'a customer is deleted that a subscription was moved away from: one state in all orders');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['begun', 'renewed', 'customer gone', 'customer gone earlier']) o), 1::bigint,
  'a customer that is said to be deleted at two times was gone from the first on: one state in all orders');

-- … that nobody knows
select is(pg_temp.deliver('customer gone'), 'processed', 'the end of a customer that nobody knows is taken in');
select results_eq($$ select status, account_id, last_error, next_attempt_at from app.webhook_events where id = 'evt_customer gone' $$,
  $$ values ('processed', null::text, null::text, null::timestamptz) $$, '… it waits for nothing');
select results_eq('select processor, object_id, occurred_at, event_id from app.tombstones', $$ values ('stripe', 'cus_1', '2027-03-06 10:00+00'::timestamptz, 'evt_customer gone') $$, '… its tombstone is kept');
select is_empty($$ select from app.processor_links where object_id = 'cus_1' $$, '… and ties it to nobody');
select is(pg_temp.deliver('customer gone'), 'duplicate', 'delivered again it is a duplicate');
select is(pg_temp.everything(), (select state from before_all), '… no account is touched, nor made');
select is((select r.outcome || ' ' || r.account_id from api.record_billing_event('user_p', 'paddle', 'evt_p', 't', 'state', '2027-03-08', 2, 'cus_1', 'sub_p', 'active', null, null, null, null, null, null, null, '{}') r),
  'processed user_p', 'the same id of another processor is another customer');
select is((select status from app.processor_subscriptions where subscription_id = 'sub_p'), 'active', '… which was not deleted');
select is(pg_temp.deliver('begun'), 'processed', 'a subscription of the deleted customer comes late');
select is((select plan || ' ' || status from api.read_account('user_1')), 'free canceled', '… and is over');

-- an account that was deleted
create function pg_temp.begin_anew() returns void language plpgsql as $$
begin
  update said set customer = customer || '_b' where customer is not null;
  update said set subscription = subscription || '_b' where subscription is not null;
  update said set name = name || ' b', payment_id = payment_id || '_b', account = account || '_b';
end
$$;
select pg_temp.begin_anew();
select is(pg_temp.after(array['begun b', 'renewed b', 'user gone b']), pg_temp.after(array['user gone b', 'renewed b', 'begun b']), 'an account is closed with its subscription, or before it is heard of: the same');
select is((pg_temp.state_after(array['begun b', 'renewed b', 'user gone b']) -> 'operations')::text, '["user_1_b sub_1_b cancel_now account_closed now"]', 'its live subscription is to be canceled at once');
select is((pg_temp.state_after(array['begun b', 'past due b', 'second b', 'user gone b']) -> 'operations')::text,
  '["user_1_b sub_1_b cancel_now account_closed now", "user_1_b sub_2_b cancel_now account_closed now"]', '… all of them, past due or not, also one that was to end as a duplicate later');
select is((pg_temp.state_after(array['begun b', 'canceled b', 'user gone b']) -> 'operations')::text, 'null', '… but none that ended');
select is((pg_temp.state_after(array['begun b', 'paid b', 'disputed b', 'user gone b']) -> 'operations')::text, '["user_1_b sub_1_b cancel_now account_closed now"]',
  'one that a dispute suspends is to be canceled too: it would be charged again next month');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['begun b', 'renewed b', 'user gone b', 'active late b']) o), 1::bigint,
  'a subscription, the end of its account, an update after that: one state in all orders');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['begun b', 'user gone b', 'user gone again b']) o), 1::bigint, 'an account is closed twice: one state in all orders');

do $$ begin perform pg_temp.deliver_all(array['begun b', 'renewed b']); perform api.check_and_increment_usage('user_1_b', 'messages', 300); end $$;
create temp table counters_before as select * from app.counters;
insert into app.processor_operations (account_id, processor, subscription_id, kind, reason, next_attempt_at, created_at)
values ('user_1_b', 'stripe', 'sub_1_b', 'pause', 'owner', app.clock(), app.clock());
select is(pg_temp.deliver('user gone b'), 'processed', 'an account is closed while a change of its subscription is under way');
select results_eq($$ select plan, plan_ends_at, closed_at from app.accounts where account_id = 'user_1_b' $$, $$ values ('free', null::timestamptz, '2027-03-06 10:00+00'::timestamptz) $$, '… it is closed and has plan free');
select is((select error_code from app.decide_usage('user_1_b', 'messages', 1, null, 'charge', false, null, null, null, null)), 'PY415', '… and uses nothing any more');
select throws_ok($$ select * from api.check_and_increment_usage('user_1_b', 'messages') $$, 'PY415', 'the account is closed', '… which its callers are told');
select throws_ok($$ insert into app.chatbots (account_id, name) values ('user_1_b', 'Bot') $$, 'PY415', null, '… nor makes a chatbot');
select results_eq('select * from app.counters order by 1, 2, 3', 'select * from counters_before order by 1, 2, 3', '… no counter moves');
do $$ begin perform api.settle_operation('user_1_b', o.id, 'refused', 'not now') from app.processor_operations o where o.account_id = 'user_1_b' and o.kind = 'pause'; end $$;
select results_eq($$ select kind, reason, status from app.processor_operations where account_id = 'user_1_b' and kind = 'cancel_now' $$, $$ values ('cancel_now', 'account_closed', 'pending') $$,
  'its subscription is to be canceled once that change is out of the way, also when it was refused');
select is(pg_temp.deliver('active late b'), 'processed', 'its subscription is heard of again');
select is((select plan from app.accounts where account_id = 'user_1_b'), 'free', '… which opens nothing');
select is((select closed_at from app.accounts where account_id = 'user_1_b'), '2027-03-06 10:00+00', '… and leaves it closed');

-- … that was never seen
select is((select r.outcome || ' ' || r.account_id from api.record_billing_event('org_never', 'clerk', 'msg_1', 'organization.deleted', 'closed', '2027-03-01', 3,
  null, null, null, null, null, null, null, null, null, null, '{}') r), 'processed org_never', 'an account that was never seen is closed');
select throws_ok($$ select * from api.check_and_increment_usage('org_never', 'messages') $$, 'PY415', null, '… for ever');
select is((select r.outcome from api.record_billing_event('org_never', 'stripe', 'evt_never', 't', 'state', '2027-03-08', 2, 'cus_never', 'sub_never', 'active', null,
  array['price_growth_monthly'], array['2027-03-08'::timestamptz], array['2027-04-08'::timestamptz], null, null, null, '{}') r), 'processed', 'a purchase that was under way comes through');
select results_eq($$ select a.plan, o.kind, o.reason from app.accounts a join app.processor_operations o using (account_id) where account_id = 'org_never' $$,
  $$ values ('free', 'cancel_now', 'account_closed') $$, '… grants nothing, and is to be canceled');

-- a subscription that was canceled
do $$ begin perform pg_temp.begin_anew(); end $$;
select pg_temp.always(array['begun b b', 'canceled b b', late || ' b b'], short, format('begun, canceled, %s', late))
from (values ('active late'), ('trial late'), ('pause late'), ('paid late'), ('fails late'), ('next month'), ('next paid')) l (late)
cross join lateral pg_temp.after(array['begun b b', 'canceled b b']) short;
select is(pg_temp.state_after(array['begun b b', 'canceled b b', 'next month b b', 'next paid b b']) -> 'windows', pg_temp.state_after(array['begun b b', 'canceled b b']) -> 'windows',
  'what was canceled opens no window any more');
select is(pg_temp.state_after(array['begun b b', 'canceled b b', 'next month b b']) -> 'counters', pg_temp.everything() -> 'counters', '… and moves no counter');

-- nobody else
select is((select jsonb_agg(s) from jsonb_array_elements(pg_temp.everything() -> 'subscriptions') s where s ->> 'account_id' = 'user_other'),
          (select jsonb_agg(s) from jsonb_array_elements((select state -> 'subscriptions' from before_all)) s where s ->> 'account_id' = 'user_other'), 'nothing of all this touches the subscription of another account');
select is((select jsonb_agg(a) from jsonb_array_elements(pg_temp.everything() -> 'accounts') a where a ->> 'account_id' = 'user_other'),
          (select jsonb_agg(a) from jsonb_array_elements((select state -> 'accounts' from before_all)) a where a ->> 'account_id' = 'user_other'), '… nor the account');

-- arguments
create function pg_temp.close(p_processor text, p_account text, p_customer text, p_kind text default 'closed') returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, p_processor, 'evt_x', 't', p_kind, '2027-03-01', 3, p_customer, 'sub_x', null, null, null, null, null, null, null, null, '{}') r
$$;
select throws_ok($$ select pg_temp.close('stripe', null, null) $$, 'PY004', 'a closed event names the account, or at a processor the customer', 'the end of nobody is refused');
select throws_ok($$ select pg_temp.close('clerk', '', null) $$, 'PY004', 'a closed event names the account, or at a processor the customer', '… an empty account is nobody');
select throws_ok($$ select pg_temp.close('clerk', 'user_1', null, 'state') $$, 'PY004', 'clerk tells of closed accounts only', 'Clerk tells nothing of subscriptions');
select is_empty($$ select from app.webhook_events where id = 'evt_x' $$, 'a refused call leaves nothing in the inbox');
select throws_ok($$ select pg_temp.close('stripe', 'user_1', null) $$, 'PY004', null, 'a processor that does not say which customer ended is refused: nothing could ever come of it');
select throws_ok($$ select pg_temp.close('clerk', null, 'cus_1') $$, 'PY004', null, 'so is Clerk if it does not say which account');

select * from finish();
rollback;
