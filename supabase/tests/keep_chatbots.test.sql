-- keep_chatbots: the owner chooses which chatbots stay in use where a plan does not hold all.
begin;
select plan(28);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
create temp sequence event;
-- What a processor says now of a subscription, for March unless something else is said; the price tells which processor.
create function pg_temp.subscribe(
  p_account text, p_price text default 'price_growth_monthly', p_status text default 'active',
  p_start timestamptz default '2027-03-01 10:00+00', p_end timestamptz default '2027-04-01 10:00+00',
  p_cancels_at timestamptz default null, p_subscription text default null
) returns text language sql as $$
  select r.outcome from api.record_billing_event(
    p_account, case split_part(p_price, '_', 1) when 'pri' then 'paddle' when 'plan' then 'razorpay' else 'stripe' end,
    'evt_' || lpad(nextval('pg_temp.event')::text, 6, '0'), 'test.state', 'state', app.clock(), 2, 'cus_' || p_account,
    coalesce(p_subscription, 'sub_' || p_account), p_status, null, array[p_price], array[p_start], array[p_end], p_cancels_at, null, null, '{}') r
$$;
create function pg_temp.bots(p_account text, p_count integer) returns void language sql as $$
  insert into app.chatbots (account_id, name, created_at) select p_account, 'Bot ' || n, app.clock() + make_interval(secs => n) from generate_series(1, p_count) n
$$;
create function pg_temp.close(p_account text) returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, 'clerk', 'clerk_' || p_account, 'user.deleted', 'closed', app.clock(), 3, null, null, null, null,
    null, null, null, null, null, null, '{}') r
$$;

do $$ begin
  perform pg_temp.subscribe(a, 'price_growth_monthly'), pg_temp.bots(a, 5), pg_temp.subscribe(a, 'price_starter_monthly') from unnest(array['user_1', 'user_2']) a;
end $$;
create function pg_temp.bot(p_n integer, p_account text default 'user_1') returns uuid language sql as $$ select id from app.chatbots where account_id = p_account and name = 'Bot ' || p_n $$;
create function pg_temp.keep(variadic p_bots integer[]) returns text language sql as $$
  select concat_ws(' ', k.outcome, k.kept, k.quota) from api.keep_chatbots('user_1', (select array_agg(pg_temp.bot(n)) from unnest(p_bots) n)) k
$$;
create function pg_temp.in_use(p_account text default 'user_1') returns text language sql as $$
  select string_agg(substr(b.name, 5), ' ' order by b.name) from app.chatbots b where b.account_id = p_account and b.id not in (select app.read_only_chatbots(p_account))
$$;

do $$ begin perform api.keep_chatbots('user_2', array[pg_temp.bot(4, 'user_2')]); end $$;

select is(pg_temp.in_use(), '1 2 3', 'without a choice the oldest stay in use');
select is(pg_temp.keep(5, 2), 'kept 2 3', 'the owner chooses');
select is(pg_temp.in_use(), '1 2 5', 'what is chosen stays in use, and the oldest of the rest as far as the plan goes');
select is(pg_temp.keep(3, 4, 5), 'kept 3 3', 'as many may be chosen as the plan holds');
select is(pg_temp.in_use(), '3 4 5', '… and the choice before is no longer one');
create temp table once as select id, name, kept_at is null as free from app.chatbots where account_id = 'user_1';
select is(pg_temp.keep(5, 4, 3), 'kept 3 3', 'the same choice, in any order');
select set_eq($$ select id, name, kept_at is null from app.chatbots where account_id = 'user_1' $$, $$ select * from once $$, '… changes nothing');
select is(pg_temp.keep(4, 4, 4, 4), 'kept 1 3', 'one that is named four times is one');
select is(pg_temp.in_use(), '1 2 4', '… and kept');
select is(pg_temp.in_use('user_2'), '1 2 4', 'nobody else''s chatbots are touched');
select is((select concat_ws(' ', outcome, kept, quota) from api.keep_chatbots('user_1', k)), 'kept 0 3', format('no choice (%L) is by age again', k)) from unnest(array['{}', null]::text[]) t, lateral (select t::uuid[] as k) v;
select is(pg_temp.in_use(), '1 2 3', '… the oldest first');

-- refused
do $$ begin perform pg_temp.keep(5); end $$;
select is(pg_temp.keep(1, 2, 3, 4), 'too_many 4 3', 'more than the plan holds cannot be kept; how many can is told');
select results_eq($$ select outcome, kept, quota from api.keep_chatbots('user_1', array[pg_temp.bot(1), pg_temp.bot(1, 'user_2')]) $$, $$ values ('not_found', 2::bigint, 3::bigint) $$,
  'another account''s chatbot cannot');
select is((select outcome from api.keep_chatbots('user_1', array[gen_random_uuid()])), 'not_found', '… nor one that does not exist');
select is((select outcome from api.keep_chatbots('user_1', array[pg_temp.bot(1), null])), 'not_found', '… nor none');
select is(pg_temp.in_use(), '1 2 5', 'a refused choice leaves the one before');

-- the plan changes
do $$ begin perform pg_temp.subscribe('user_1', 'price_growth_monthly'); end $$;
select is(pg_temp.in_use(), '1 2 3 4 5', 'on a plan that holds all of them all are in use');
select is(pg_temp.keep(1, 2, 3, 4, 5), 'kept 5 10', '… and all may be chosen');
do $$ begin perform pg_temp.subscribe('user_1', 'price_starter_monthly'); end $$;
select is(pg_temp.in_use(), '1 2 3', 'of more that were chosen than the plan holds now, the oldest');
do $$ begin perform pg_temp.subscribe('user_1', 'price_enterprise_monthly'); end $$;
select is(pg_temp.keep(1, 2, 3, 4), 'kept 4', 'an unlimited plan holds any number');
do $$ begin perform pg_temp.subscribe('user_3', 'pri_growth_monthly'); perform pg_temp.bots('user_3', 3); perform api.begin_plan_change('user_3', 'starter', 'month'); end $$;
select is((select concat_ws(' ', outcome, quota) from api.keep_chatbots('user_3', '{}')), 'kept 3', 'while a downgrade is scheduled the smaller plan counts');
do $$ begin perform pg_temp.close('user_2'); end $$;
select is((select concat_ws(' ', outcome, quota) from api.keep_chatbots('user_2', array[pg_temp.bot(1, 'user_2')])), 'too_many 0', 'a closed account keeps none');
select results_eq($$ select outcome, kept, quota from api.keep_chatbots('user_new', '{}') $$, $$ values ('kept', 0::bigint, 1::bigint) $$, 'an account without chatbots has none to choose');
select throws_ok(format($$ select * from api.keep_chatbots(%s, '{}') $$, a), 'PY004', 'account_id must have 1 to 255 characters', format('account id %s is an error', left(a, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;

select * from finish();
rollback;
