-- record_billing_event, part 2: in whatever order, however often, and with whatever repeated fact missing events come, the
-- state they leave is one: subscriptions, account, window keys, and counters that never moved.
begin;
select plan(42);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin
  perform api.upsert_price('stripe', 'price_' || p || '_monthly', p, 'month') from unnest(array['starter', 'growth']) p;
  perform api.check_and_increment_usage('user_1', 'messages', 40);
  perform api.check_and_increment_usage('user_other', 'messages', 7);
  perform api.record_billing_event('user_other', 'stripe', 'evt_other', 't', 'state', '2027-03-05 09:00+00', 0, 'cus_other', 'sub_other', 'active', null,
    array['price_growth_monthly'], array['2027-03-05 09:00+00'::timestamptz], array['2027-04-05 09:00+00'::timestamptz], null, null, null, '{}');
end $$;

-- What the processor says, by name. Start and length of the period are in months after 1 February.
create temp table said (
  name text primary key, kind text not null, at timestamptz not null, event_rank integer not null, status text, payment text,
  plan text, month integer, subscription text default 'sub_1', account text default 'user_1', cancels_at timestamptz
);
insert into said (name, kind, at, event_rank, status, payment, plan, month) values
  -- the first month, all in one second
  ('created',         'state',   '2027-02-01 10:00:00+00', 0, 'incomplete', null,     'starter', 0),
  ('paid',            'payment', '2027-02-01 10:00:00+00', 1, null,         'paid',   'starter', 0),
  ('updated',         'state',   '2027-02-01 10:00:00+00', 2, 'active',     null,     'starter', 0),
  ('deleted',         'state',   '2027-02-01 10:00:00+00', 3, 'canceled',   null,     'starter', null),
  ('first failed',    'payment', '2027-02-01 10:00:00+00', 1, null,         'failed', 'starter', 0),
  -- the second month
  ('renewal updated', 'state',   '2027-03-01 10:00:00+00', 2, 'active',     null,     'growth',  1),
  ('renewal paid',    'payment', '2027-03-01 11:00:00+00', 1, null,         'paid',   'growth',  1),
  ('failed',          'payment', '2027-03-01 11:00:00+00', 1, null,         'failed', 'growth',  1),
  ('past due',        'state',   '2027-03-01 11:00:00+00', 2, 'past_due',   null,     'growth',  1),
  ('paid at last',    'payment', '2027-03-04 10:00:00+00', 1, null,         'paid',   'growth',  1),
  ('active again',    'state',   '2027-03-04 10:00:00+00', 2, 'active',     null,     'growth',  1),
  ('old paid late',   'payment', '2027-03-06 10:00:00+00', 1, null,         'paid',   'starter', 0),
  ('old failed late', 'payment', '2027-03-06 10:00:00+00', 1, null,         'failed', 'starter', 0),
  ('extra paid',      'payment', '2027-03-06 10:00:00+00', 1, null,         'paid',   null,      null),
  ('paused',          'state',   '2027-03-05 10:00:00+00', 2, 'paused',     null,     null,      null),
  ('canceled',        'state',   '2027-03-08 10:00:00+00', 3, 'canceled',   null,     null,      null),
  ('paid after all',  'payment', '2027-03-09 10:00:00+00', 1, null,         'paid',   'growth',  1);
insert into said (name, kind, at, event_rank, status, plan, month, subscription) values
  ('second created',  'state',   '2027-02-20 10:00:00+00', 0, 'active',  'starter', 0, 'sub_2'),
  ('second upgraded', 'state',   '2027-02-21 10:00:00+00', 2, 'active',  'growth',  0, 'sub_2'),
  ('second past due', 'state',   '2027-03-07 10:00:00+00', 2, 'past_due', 'growth', 1, 'sub_2'),
  ('second canceled', 'state',   '2027-03-07 10:00:00+00', 3, 'canceled', null,     null, 'sub_2');
insert into said (name, kind, at, event_rank, subscription) values ('checkout', 'link', '2027-02-01 10:00:00+00', 0, 'sub_1');

create function pg_temp.deliver(p_name text, p_is_retry boolean default false) returns text language sql as $$
  select r.outcome from said s cross join lateral api.record_billing_event(
    s.account, 'stripe', 'evt_' || s.name, 'test.' || s.kind, s.kind, s.at, s.event_rank, 'cus_1', s.subscription, s.status, s.payment,
    case when s.plan is not null then array['price_' || s.plan || '_monthly'] end,
    case when s.plan is not null then array['2027-02-01 10:00+00'::timestamptz + make_interval(months => s.month)] end,
    case when s.plan is not null then array['2027-02-01 10:00+00'::timestamptz + make_interval(months => s.month + 1)] end,
    s.cancels_at, null, null, '{}', null, p_is_retry) r
  where s.name = p_name
$$;

-- Everything that must come out the same, and the other account, which must not be touched.
create function pg_temp.everything() returns jsonb language sql as $$
  select jsonb_build_object(
    'subscriptions', (select jsonb_agg(to_jsonb(s) - array['as_of', 'as_of_rank', 'as_of_event_id'] order by s.account_id, s.subscription_id) from app.processor_subscriptions s),
    'accounts', (select jsonb_agg(to_jsonb(a) order by a.account_id) from app.accounts a),
    'windows', (select jsonb_agg(jsonb_build_array(w.account_id, w.subscription_id, w.window_start, w.window_end) order by w.account_id, w.subscription_id, w.window_start) from app.windows w),
    'counters', (select jsonb_agg(to_jsonb(c) order by c.account_id, c.metric, c.window_start) from app.counters c))
$$;

-- The state after the events in this order, which is then as if it had never been.
create function pg_temp.state_after(p_names text[]) returns jsonb language plpgsql as $$
declare
  v_name text;
begin
  foreach v_name in array p_names loop
    perform pg_temp.deliver(v_name);
  end loop;
  -- Whatever failed or was woken on the way is worked off, as the worker does.
  perform pg_temp.deliver(substr(e.id, 5), true) from app.webhook_events e where e.status = 'failed' order by e.created_at, e.id;
  raise exception using errcode = 'ZZ001', message = pg_temp.everything()::text;
exception when sqlstate 'ZZ001' then
  return sqlerrm::jsonb;
end
$$;

create function pg_temp.orders(p_names text[]) returns setof text[] language sql as $$
  with recursive place as (
    select array[i] as taken from generate_subscripts(p_names, 1) i
    union all
    select p.taken || i from place p cross join generate_subscripts(p_names, 1) i where i <> all (p.taken)
  )
  select distinct (select array_agg(p_names[i] order by o) from unnest(p.taken) with ordinality as t (i, o))
  from place p where cardinality(p.taken) = cardinality(p_names)
$$;

-- The states the events lead to, over all their orders, whole and with one of them delivered again (in any place; of four
-- events or more only at the end, for the sake of time): it must be one.
create function pg_temp.states_of(p_names text[]) returns setof jsonb language sql as $$
  select distinct pg_temp.state_after(o) from (
    select o from pg_temp.orders(p_names) o
    union
    select v from unnest(p_names) n cross join lateral pg_temp.orders(p_names || n) v where cardinality(p_names) < 4
    union
    select o || n from pg_temp.orders(p_names) o cross join unnest(p_names) n where cardinality(p_names) >= 4) x
$$;
create function pg_temp.is_one_state(p_names text[], p_title text) returns text language sql as $$
  select is((select count(*) from pg_temp.states_of(p_names)), 1::bigint, p_title)
$$;
-- What an account of that state is: subscription, plan, end of the plan, anchor.
create function pg_temp.short(p_state jsonb) returns text language sql as $$
  select concat_ws(' | ',
    (select string_agg(concat_ws(' ', s ->> 'subscription_id', s ->> 'status', s ->> 'plan', left(s ->> 'period_start', 10), case when (s ->> 'in_force')::boolean then 'in force' end), ', ' order by s ->> 'subscription_id')
     from jsonb_array_elements(p_state -> 'subscriptions') s where s ->> 'account_id' = 'user_1'),
    (select concat_ws(' ', a ->> 'plan', left(a ->> 'plan_ends_at', 10)) from jsonb_array_elements(p_state -> 'accounts') a where a ->> 'account_id' = 'user_1'),
    (select 'anchor ' || left(a ->> 'anchor', 10) from jsonb_array_elements(p_state -> 'accounts') a where a ->> 'account_id' = 'user_1'),
    (select 'windows ' || string_agg(left(w ->> 2, 10), ' ' order by w ->> 2) from jsonb_array_elements(p_state -> 'windows') w where w ->> 0 = 'user_1'))
$$;
create temp table before_all as select pg_temp.everything() as state;

-- the machinery of this file itself
select is((select count(*) from pg_temp.orders(array['created', 'paid', 'updated', 'paid'])), 12::bigint, 'four deliveries of which two are the same come in 12 orders');
select is((select count(distinct pg_temp.state_after(o)) from (values (array['created']), (array['created', 'paid'])) v (o)), 2::bigint, 'states that differ are seen to differ');
select is(pg_temp.everything(), (select state from before_all), 'trying an order out leaves nothing behind');

-- one final state
select pg_temp.is_one_state(array['created', 'paid', 'updated'], 'created, paid, updated of one second: one state in all orders, each also delivered again');
select is(pg_temp.short(pg_temp.state_after(array['updated', 'created', 'paid'])), 'sub_1 active starter 2027-02-01 in force | starter | anchor 2027-02-01 | windows 2027-02-01', '… the plan, its anchor and one window');
select pg_temp.is_one_state(array['renewal updated', 'renewal paid'], 'a renewal told by its update and its payment: one state in both orders, each also delivered again');
select is(pg_temp.short(pg_temp.state_after(array['renewal paid', 'renewal updated'])), 'sub_1 active growth 2027-03-01 in force | growth | anchor 2027-03-01 | windows 2027-03-01', '… the period opens one window, whichever came first');
select pg_temp.is_one_state(array['failed', 'past due', 'paid at last', 'active again'], 'failed, past due, paid, active: one state in all 24 orders, each also delivered again');
select is(pg_temp.short(pg_temp.state_after(array['active again', 'paid at last', 'past due', 'failed'])), 'sub_1 active growth 2027-03-01 in force | growth | anchor 2027-03-01 | windows 2027-03-01', '… recovered, though the bad news came last');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'renewal updated', 'failed', 'canceled']) o), 1::bigint, 'a life from its first month to its cancellation: one state in all orders');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['checkout', 'created', 'paid', 'renewal paid']) o), 1::bigint,
  'checkout, first month, renewal: one state in all orders');

-- dropped: others carry the same fact
select is((select count(distinct pg_temp.state_after(o)) from (values
    (array['created', 'paid', 'updated']), (array['paid', 'updated']), (array['created', 'updated']), (array['created', 'paid']), (array['updated']), (array['paid'])) v (names)
  cross join lateral pg_temp.orders(v.names) o), 1::bigint, 'of created, paid and updated any may be lost, so long as the payment or the update came');
select is((select count(distinct pg_temp.state_after(o)) from (values
    (array['updated', 'renewal updated', 'renewal paid']), (array['updated', 'renewal paid']), (array['updated', 'renewal updated'])) v (names)
  cross join lateral pg_temp.orders(v.names) o), 1::bigint, 'a renewal takes place with its update lost or with its payment lost');
select is((select count(distinct pg_temp.state_after(o)) from (values
    (array['failed', 'past due', 'paid at last', 'active again']), (array['past due', 'paid at last', 'active again']), (array['failed', 'paid at last', 'active again']),
    (array['failed', 'past due', 'active again']), (array['failed', 'past due', 'paid at last']), (array['past due', 'paid at last']), (array['failed', 'active again'])) v (names)
  cross join lateral pg_temp.orders(v.names) o), 1::bigint, 'a recovery ends the same with either of the bad news and either of the good news lost');
select is((select count(distinct pg_temp.state_after(o)) from (values
    (array['renewal updated', 'failed', 'past due']), (array['renewal updated', 'failed']), (array['renewal updated', 'past due'])) v (names)
  cross join lateral pg_temp.orders(v.names) o), 1::bigint, 'a failed renewal ends the same with the payment event or the update lost, to the end of its grace');

-- rank within one second, the processor's clock over more
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['created', 'paid', 'updated', 'deleted']) o $$,
  $$ values ('sub_1 canceled starter 2027-02-01 | free | anchor 2027-02-01 | windows 2027-02-01') $$, 'created, paid, updated, deleted in one second: the end is last, in all orders');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['created', 'first failed']) o $$,
  $$ values ('sub_1 incomplete starter | free | anchor 2027-03-10') $$, 'a first payment that failed grants nothing and opens no window, in both orders');
select is(pg_temp.short(pg_temp.state_after(array['first failed'])), 'sub_1 incomplete starter | free | anchor 2027-03-10', 'a failed payment of a subscription never heard of grants nothing');
select is(pg_temp.short(pg_temp.state_after(array['paid'])), 'sub_1 active starter 2027-02-01 in force | starter | anchor 2027-02-01 | windows 2027-02-01', 'a payment of a subscription never heard of grants what was paid');
select is(pg_temp.short(pg_temp.state_after(array['created'])), 'sub_1 incomplete starter | free | anchor 2027-03-10', 'a subscription not paid for grants nothing and opens no window');

-- money does not revive, a pause does not erase
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'renewal updated', 'canceled', 'paid after all']) o $$,
  $$ values ('sub_1 canceled growth 2027-03-01 | free | anchor 2027-03-01 | windows 2027-02-01 2027-03-01') $$, 'a payment after the cancellation revives nothing, in all orders');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'renewal updated', 'paused']) o $$,
  $$ values ('sub_1 paused growth 2027-03-01 | free | anchor 2027-03-01 | windows 2027-02-01 2027-03-01') $$, 'a pause falls to free; its missing period and plan erase neither, in all orders');

-- an invoice of an older period, paid late
select is((select array_agg(distinct s -> 'windows') = array[(pg_temp.state_after(array['updated', 'renewal updated']) -> 'windows')] from
  (select pg_temp.state_after(o) s from pg_temp.orders(array['updated', 'renewal updated', 'old paid late']) o) x), true, 'an old invoice paid late opens no window of its own, in all orders');
select is((select array_agg(distinct a ->> 'anchor') from pg_temp.orders(array['updated', 'renewal updated', 'old paid late']) o
           cross join lateral jsonb_array_elements(pg_temp.state_after(o) -> 'accounts') a where a ->> 'account_id' = 'user_1'),
  array['2027-03-01T10:00:00+00:00'], '… and does not move the anchor back');
select is((select array_agg(distinct a ->> 'plan') from pg_temp.orders(array['updated', 'renewal updated', 'old paid late']) o
           cross join lateral jsonb_array_elements(pg_temp.state_after(o) -> 'accounts') a where a ->> 'account_id' = 'user_1'),
  array['growth'], '… and does not bring the older plan back');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'renewal updated', 'past due', 'old paid late']) o $$,
  $$ values ('sub_1 past_due growth 2027-03-01 in force | growth 2027-03-08 | anchor 2027-03-01 | windows 2027-02-01 2027-03-01') $$, '… and does not settle what is past due');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'renewal updated', 'old failed late']) o $$,
  $$ values ('sub_1 active growth 2027-03-01 in force | growth | anchor 2027-03-01 | windows 2027-02-01 2027-03-01') $$, 'nor does an old invoice that fails once more make what is paid past due');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['renewal updated', 'past due', 'extra paid']) o $$,
  $$ values ('sub_1 past_due growth 2027-03-01 in force | growth 2027-03-08 | anchor 2027-03-01 | windows 2027-03-01') $$, 'nor does money for no period (a proration, a one-off) settle it');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['renewal updated', 'old paid late']) o), 1::bigint,
  '… and leaves one state in both orders, also where its own month was never told');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'canceled', 'paid after all']) o), 1::bigint,
  'a payment after the cancellation leaves one state in all orders, also where its month was never told');

-- ties
insert into said select 'updated twin', kind, at, event_rank, 'past_due', payment, plan, month, subscription, account from said where name = 'updated';
create function pg_temp.tie(p_name text, p_before text[]) returns boolean language plpgsql as $$
declare
  v_name text;
  v_tie boolean;
begin
  foreach v_name in array p_before loop
    perform pg_temp.deliver(v_name);
  end loop;
  select r.tie into v_tie from said s cross join lateral api.record_billing_event(s.account, 'stripe', 'evt_' || s.name, 't', s.kind, s.at, s.event_rank, 'cus_1',
    s.subscription, s.status, s.payment, null, null, null, null, null, null, '{}') r where s.name = p_name;
  raise exception using errcode = 'ZZ001', message = v_tie::text;
exception when sqlstate 'ZZ001' then
  return sqlerrm::boolean;
end
$$;
select ok(pg_temp.tie('updated twin', array['updated']) and pg_temp.tie('updated', array['updated twin']), 'two states of one instant and rank are flagged as a tie, whichever comes second');
select ok(not pg_temp.tie('updated', array['created', 'paid', 'deleted']), 'events of one instant and different rank are no tie');
select ok(not pg_temp.tie('paid', array['updated', 'updated twin']), 'a payment is never a tie');
select ok(not pg_temp.tie('updated', array['updated', 'updated']), 'an event delivered again does not tie with itself');
select is((select count(distinct pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'updated twin', 'paid']) o), 1::bigint, 'until a tie is settled the greater event id wins, in all orders');

-- two subscriptions of one account
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'second created', 'second upgraded', 'renewal updated']) o $$,
  $$ values ('sub_1 active growth 2027-03-01 in force, sub_2 active growth 2027-02-01 | growth | anchor 2027-03-01 | windows 2027-02-01 2027-02-01 2027-03-01') $$,
  'of two live subscriptions of one plan the later period is in force, in all orders');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'second upgraded', 'second past due']) o $$,
  $$ values ('sub_1 active starter 2027-02-01 in force, sub_2 past_due growth 2027-03-01 | starter | anchor 2027-02-01 | windows 2027-02-01 2027-02-01 2027-03-01') $$,
  'a subscription that is paid goes before a larger one past due, with its own period as the anchor, in all orders');
select results_eq($$ select distinct pg_temp.short(pg_temp.state_after(o)) from pg_temp.orders(array['updated', 'second created', 'second upgraded', 'second canceled']) o $$,
  $$ values ('sub_1 active starter 2027-02-01 in force, sub_2 canceled growth 2027-02-01 | starter | anchor 2027-02-01 | windows 2027-02-01 2027-02-01') $$,
  'when one of two is canceled the other is in force, in all orders');

-- the account is known only later
create temp table named as select pg_temp.state_after(array['checkout', 'paid', 'updated', 'renewal paid']) as state;
update said set account = null where name in ('paid', 'updated', 'renewal paid');
select is((select array_agg(distinct pg_temp.state_after(o)) from pg_temp.orders(array['checkout', 'paid', 'updated', 'renewal paid']) o),
  (select array[state] from named), 'events that failed for want of their account, woken by the checkout, lead to the state they had led to with their account named, in all orders');
update said set account = 'user_1' where account is null;

-- a customer of two accounts: what names its account must not depend on what came before it
insert into said (name, kind, at, event_rank, subscription, account) values ('checkout of another', 'link', '2027-02-01 09:00:00+00', 0, null, 'user_2');
update said set account = null where name = 'paid';
select is((select count(distinct pg_temp.state_after(array['checkout of another'] || o)) from pg_temp.orders(array['updated', 'paid']) o), 1::bigint,
  'a subscription of a customer two accounts share belongs to the account it names, also when an event that names none came first');
update said set account = 'user_1' where account is null;
delete from said where name = 'checkout of another';

-- nobody and nothing else
select is((select array_agg(distinct s -> 'counters') from (select pg_temp.state_after(o) s from pg_temp.orders(array['renewal updated', 'failed', 'canceled', 'second created']) o) x),
  (select array[state -> 'counters'] from before_all), 'no event and no order of events moves a counter');
select is((select array_agg(distinct (select jsonb_agg(e) from jsonb_each(pg_temp.state_after(array[name])) k, jsonb_array_elements(nullif(k.value, 'null')) e where coalesce(e ->> 'account_id', e ->> 0) = 'user_other')) from said),
  (select array[(select jsonb_agg(e) from jsonb_each(state) k, jsonb_array_elements(nullif(k.value, 'null')) e where coalesce(e ->> 'account_id', e ->> 0) = 'user_other')] from before_all),
  'no event touches another account');

select * from finish();
rollback;
