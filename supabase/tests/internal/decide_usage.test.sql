-- decide_usage: the one place where a quota is decided. What callers see of it is in check_and_increment_usage.test.sql;
-- here are the ledger, the counters, the windows and the order of its checks.
begin;
select plan(78);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create temp view disagreements as
select account_id, metric, window_start, c.used, l.total
from app.counters c
full join (select account_id, metric, window_start, sum(amount) as total from app.usage_events group by 1, 2, 3) l
  using (account_id, metric, window_start)
where coalesce(c.used, 0) <> coalesce(l.total, 0);

create function pg_temp.decide(p_account_id text, p_metric text, p_amount bigint, p_request_id text default null, p_reason text default 'charge',
  p_by_rows boolean default false) returns text language sql as $$
  select (d.error_code, d.allowed, d.used, d.quota, d.remaining, d.plan, d.replayed)::text
  from app.decide_usage(p_account_id, p_metric, p_amount, p_request_id, p_reason, p_by_rows, null, null, null, null) d
$$;
select pg_temp.travel_to('2026-03-10 09:00:00+00');

-- Granted, and written down
select results_eq(
  $$ select * from app.decide_usage('org_a', 'messages', 3, 'r1', 'charge', false, '00000000-0000-4000-8000-000000000001',
       '00000000-0000-4000-8000-000000000002', 'api', 'chat') $$,
  $$ values (null::text, null::text, true, 3::bigint, 100::bigint, 97::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', false,
             timestamptz '2026-03-10 09:00:00+00') $$,
  'a grant tells the decision and the window it was made in');
select results_eq(
  $$ select metric, amount, occurred_at, window_start, reason, request_id, chatbot_id, conversation_id, channel, operation
     from app.usage_events where account_id = 'org_a' $$,
  $$ values ('messages', 3::bigint, timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:00:00+00', 'charge', 'r1',
             '00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002'::uuid, 'api', 'chat') $$,
  'it is one row of the ledger');
select results_eq(
  $$ select metric, window_start, used from app.counters where account_id = 'org_a' $$,
  $$ values ('messages', timestamptz '2026-03-10 09:00:00+00', 3::bigint) $$, 'and the counter is its sum');
select results_eq(
  $$ select request_id, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at from app.usage_requests where account_id = 'org_a' $$,
  $$ values ('r1', 'messages', 3::bigint, true, 3::bigint, 100::bigint, timestamptz '2026-04-10 09:00:00+00', 'free',
             timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:00:00+00') $$,
  'the decision is kept under its request id');
select is(pg_temp.decide('org_a', 'messages', 7, null, 'reserve'), '(,t,10,100,90,free,f)', 'a reservation is decided alike');
select is(
  (select array_agg(reason order by id) from app.usage_events where account_id = 'org_a'), array['charge', 'reserve'], 'with its own reason in the ledger');
select is((select count(*) from app.usage_requests where account_id = 'org_a'), 1::bigint, 'without a request id no decision is kept');

-- Refused, and not written down
select is(pg_temp.decide('org_a', 'messages', 91, 'r2'), '(,f,10,100,90,free,f)', 'a refusal tells what is used and left');
select is((select count(*) from app.usage_events where account_id = 'org_a'), 2::bigint, 'the ledger has no refusals');
select is((select (allowed, used)::text from app.usage_requests where account_id = 'org_a' and request_id = 'r2'), '(f,10)', 'but the decision is kept');
select is(pg_temp.decide('org_b', 'messages', 101), '(,f,0,100,100,free,f)', 'the first use of a window may be a refusal');
select is((select used from app.counters where account_id = 'org_b'), 0::bigint, 'it leaves a counter of 0');
select is(pg_temp.decide('org_b', 'messages', 1000000000), '(,f,0,100,100,free,f)', 'the largest amount is refused, too');
update app.plan_quotas set quota = 0 where plan = 'free' and metric = 'api_calls';
select is(pg_temp.decide('org_b', 'api_calls', 1), '(,f,0,0,0,free,f)', 'a quota of 0 allows nothing: it is not unlimited');
update app.plan_quotas set quota = null where plan = 'free' and metric = 'api_calls';
select is(pg_temp.decide('org_b', 'api_calls', 1000000000), '(,t,1000000000,,,free,f)', 'a quota of null allows everything');
update app.plan_quotas set quota = 1000000000 where plan = 'free' and metric = 'api_calls';
select is(pg_temp.decide('org_b', 'api_calls', 1), '(,f,1000000000,1000000000,0,free,f)', 'a quota given afterwards holds at once');
update app.plan_quotas set quota = 9007199254740991 where plan = 'free' and metric = 'api_calls';
select is(pg_temp.decide('org_b', 'api_calls', 1), '(,t,1000000001,9007199254740991,9007198254740990,free,f)', 'quotas may be as large as a JSON number is exact');

delete from app.plan_quotas where plan = 'free' and metric = 'api_calls';
select is(pg_temp.decide('org_b', 'api_calls', 1), '(,f,1000000001,0,0,free,f)', 'without a row for the plan nothing is allowed: only a row that says so makes a metric unlimited');

-- Every unit, one by one
select is(
  (select array_agg(pg_temp.decide('org_c', 'messages', 1) = format('(,t,%s,100,%s,free,f)', n, 100 - n)) from generate_series(1, 100) n),
  array_fill(true, array[100]), 'a hundred units are granted one by one');
select is(pg_temp.decide('org_c', 'messages', 1), '(,f,100,100,0,free,f)', 'the next is refused');
select is((select count(*) from app.usage_events where account_id = 'org_c'), 100::bigint, 'the ledger has a row for each');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger');

-- The plan in force
update app.accounts set plan = 'starter', plan_ends_at = '2026-03-20 00:00:00+00' where account_id = 'org_c';
select is(pg_temp.decide('org_c', 'messages', 1900), '(,t,2000,2000,0,starter,f)', 'a larger plan allows the difference within the same window');
select pg_temp.travel_to('2026-03-19 23:59:59.999999+00');
select is(pg_temp.decide('org_c', 'messages', 1), '(,f,2000,2000,0,starter,f)', 'it is in force until its last microsecond');
select pg_temp.travel_to('2026-03-20 00:00:00+00');
select is(pg_temp.decide('org_c', 'messages', 1), '(,f,2000,100,0,free,f)', 'then free is in force; remaining is never negative');

-- Windows: 31 January, 28 February, 31 March
select pg_temp.travel_to('2026-01-31 23:30:00+00');
select is(pg_temp.decide('org_d', 'messages', 100), '(,t,100,100,0,free,f)', 'an account uses its January window up');
select pg_temp.travel_to('2026-02-28 23:29:59.999999+00');
select is(pg_temp.decide('org_d', 'messages', 1), '(,f,100,100,0,free,f)', 'which runs to 28 February 23:30');
select pg_temp.travel_to('2026-02-28 23:30:00+00');
select is(pg_temp.decide('org_d', 'messages', 60), '(,t,60,100,40,free,f)', 'then a new one starts with nothing used');
select pg_temp.travel_to('2026-03-31 23:29:59.999999+00');
select is(pg_temp.decide('org_d', 'messages', 41), '(,f,60,100,40,free,f)', 'which runs to 31 March 23:30');
select pg_temp.travel_to('2026-03-31 23:30:00+00');
select is(pg_temp.decide('org_d', 'messages', 41), '(,t,41,100,59,free,f)', 'and so on');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_d' order by 1 $$,
  $$ values (timestamptz '2026-01-31 23:30:00+00', 100::bigint), ('2026-02-28 23:30:00+00', 60), ('2026-03-31 23:30:00+00', 41) $$,
  'the counters of ended windows stay as they were');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger in every window');

-- A yearly subscription has monthly windows
select pg_temp.travel_to('2024-02-29 12:00:00+00');
select app.ensure_account('org_e');
insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, period_start, period_end, as_of, as_of_rank, as_of_event_id)
values ('org_e', 'stripe', 'sub_1', 'active', 'starter', '2024-02-29 12:00:00+00', '2025-02-28 12:00:00+00', app.clock(), 2, 'evt_1');
select app.apply_subscriptions('org_e');
create function pg_temp.use_up_next_window(p_at timestamptz) returns text language plpgsql as $$
begin
  perform pg_temp.travel_to(p_at);
  return pg_temp.decide('org_e', 'messages', 2000) || pg_temp.decide('org_e', 'messages', 1);
end
$$;
select is(
  (select array_agg(distinct pg_temp.use_up_next_window(at)) from unnest(array['2024-02-29 12:00:00+00', '2024-03-29 12:00:00+00', '2024-04-29 12:00:00+00',
     '2024-05-29 12:00:00+00', '2024-06-29 12:00:00+00', '2024-07-29 12:00:00+00', '2024-08-29 12:00:00+00', '2024-09-29 12:00:00+00',
     '2024-10-29 12:00:00+00', '2024-11-29 12:00:00+00', '2024-12-29 12:00:00+00', '2025-01-29 12:00:00+00', '2025-02-28 12:00:00+00']::timestamptz[]) at),
  array['(,t,2000,2000,0,starter,f)(,f,2000,2000,0,starter,f)'], 'it may use its monthly quota in each month of the year, and no more');
select is(
  (select (count(*), min(window_start), max(window_start))::text from app.counters where account_id = 'org_e'),
  (13, timestamptz '2024-02-29 12:00:00+00', timestamptz '2025-02-28 12:00:00+00')::text, 'each month has its own counter');

-- A renewal confirms the window there is: it opens no second one
update app.accounts set anchor = '2025-02-28 12:00:00+00' where account_id = 'org_e';
select is(pg_temp.decide('org_e', 'messages', 1), '(,f,2000,2000,0,starter,f)', 'a renewal gives nothing back');

-- Gauges
select is(pg_temp.decide('org_f', 'seats', 1), '(,t,1,1,0,free,f)', 'a gauge that counts no rows is moved by a charge');
select is(pg_temp.decide('org_f', 'chatbots', 1), '(PY410,,,,,,)', 'one that counts rows is not');
select is(pg_temp.decide('org_f', 'chatbots', 1, null, 'insert', true), '(,t,1,1,0,free,f)', 'but by the trigger of those rows');
select is(pg_temp.decide('org_f', 'chatbots', 1, null, 'insert', true), '(,f,1,1,0,free,f)', 'as far as the quota goes');
select results_eq(
  $$ select metric, window_start, reason from app.usage_events where account_id = 'org_f' order by id $$,
  $$ values ('seats', timestamptz '-infinity', 'charge'), ('chatbots', '-infinity', 'insert') $$,
  'a gauge has one window for ever');

-- Safe to repeat
select is(pg_temp.decide('org_g', 'messages', 10, 'r1'), '(,t,10,100,90,free,f)', 'a request is decided');
select is(pg_temp.decide('org_g', 'messages', 10, 'r1'), '(,t,10,100,90,free,t)', 'and decided the same again');
select is(pg_temp.decide('org_g', 'messages', 91, 'r2'), '(,f,10,100,90,free,f)', 'a request is refused');
select is((select used from api.decrement_usage('org_g', 'messages', 10)), 0::bigint, 'everything is given back');
select is(pg_temp.decide('org_g', 'messages', 91, 'r2'), '(,f,10,100,90,free,t)', 'the refused request is refused again');
select is(pg_temp.decide('org_g', 'messages', 10, 'r1'), '(,t,10,100,90,free,t)', 'the granted one is granted again, and charges nothing');
select is((select used from app.counters where account_id = 'org_g'), 0::bigint, 'the counter stays at 0');
select pg_temp.travel_to('2025-06-01 00:00:00+00');
select is(
  (select window_start from app.decide_usage('org_g', 'messages', 10, 'r1', 'charge', false, null, null, null, null)),
  timestamptz '2025-02-28 12:00:00+00', 'a repeat tells the window of the first decision');
select is(pg_temp.decide('org_g', 'messages', 11, 'r1'), '(PY409,,,,,,)', 'another amount is not the same request');
select is(pg_temp.decide('org_g', 'api_calls', 10, 'r1'), '(PY409,,,,,,)', 'nor is another metric');
select is(pg_temp.decide('org_g', 'tea', 10, 'r1'), '(PY409,,,,,,)', 'not even an unknown one');
select is(pg_temp.decide('org_g', 'messages', 10, 'r1', 'reserve'), '(PY409,,,,,,)', 'nor is a reservation the same request as a charge');
select results_eq(
  $$ select reason, allowed from app.usage_requests where account_id = 'org_g' order by request_id $$,
  $$ values ('charge', true), ('charge', false) $$, 'what each request was is kept');
select isnt(left(pg_temp.decide('org_g', null, 10, 'r1'), 2), '(,', 'nor is none');
update app.accounts set plan = 'enterprise' where account_id = 'org_g';
select is(pg_temp.decide('org_g', 'messages', 10, 'r3'), '(,t,10,,,enterprise,f)', 'an unlimited decision');
select is(pg_temp.decide('org_g', 'messages', 10, 'r3'), '(,t,10,,,enterprise,t)', 'stays unlimited when repeated');

-- A downgrade that is scheduled: levels are held to the smaller plan
do $$ begin perform app.ensure_account('org_down'); end $$;
update app.accounts set plan = 'growth', pending_plan = 'starter' where account_id = 'org_down';
select is(pg_temp.decide('org_down', 'chatbots', 3, p_reason => 'insert', p_by_rows => true), '(,t,3,3,0,growth,f)', 'a level is granted up to what the smaller plan gives');
select is(pg_temp.decide('org_down', 'chatbots', 1, p_reason => 'insert', p_by_rows => true), '(,f,3,3,0,growth,f)', '… and no further');
select is(pg_temp.decide('org_down', 'messages', 5000), '(,t,5000,10000,5000,growth,f)', 'what is used up goes by the plan in force');
update app.accounts set plan = 'enterprise' where account_id = 'org_down';
select is(pg_temp.decide('org_down', 'chatbots', 1, p_reason => 'insert', p_by_rows => true), '(,f,3,3,0,enterprise,f)', 'a plan without a bound is held, too');
update app.accounts set plan = 'starter', pending_plan = 'enterprise' where account_id = 'org_down';
select is(pg_temp.decide('org_down', 'chatbots', 1, p_reason => 'insert', p_by_rows => true), '(,f,3,3,0,starter,f)', 'a larger plan to come gives nothing in advance');

-- A closed account
select is(pg_temp.decide('org_down', 'messages', 1, 'before'), '(,f,5000,2000,0,starter,f)', 'an account makes its last request');
update app.accounts set closed_at = now(), plan = 'enterprise', pending_plan = null where account_id = 'org_down';
select results_eq($$ select d.error_code, d.error_message, d.allowed from unnest(array['messages', 'seats']) m cross join lateral app.decide_usage('org_down', m, 1, null, 'charge', false, null, null, null, null) d $$,
  $$ values ('PY415', 'the account is closed', null::boolean), ('PY415', 'the account is closed', null) $$, 'closed, it uses nothing, whatever its plan gives');
select is(pg_temp.decide('org_down', 'chatbots', 1, p_reason => 'insert', p_by_rows => true), '(PY415,,,,,,)', '… nor makes anything');
select is(pg_temp.decide('org_down', 'messages', 1, 'after', 'reserve'), '(PY415,,,,,,)', '… nor reserves');
select is_empty($$ select from app.usage_requests where account_id = 'org_down' and request_id = 'after' $$, '… and no decision is kept of it');
select is(pg_temp.decide('org_down', 'messages', 1, 'before'), '(,f,5000,2000,0,starter,t)', 'a request made before is answered as it was');
select is(pg_temp.decide('org_down', 'tea', 1), '(PY001,,,,,,)', 'an unknown metric is that first');

-- Errors are data
select results_eq(
  $$ select d.error_code, d.error_message from (values
       (1, null, 'messages', 1::bigint, null), (2, '', 'messages', 1, null), (3, repeat('x', 256), 'messages', 1, null),
       (4, 'org_h', 'messages', null, null), (5, 'org_h', 'messages', 0, null), (6, 'org_h', 'messages', -1, null), (7, 'org_h', 'messages', 1000000001, null),
       (8, 'org_h', 'messages', 1, ''), (9, 'org_h', 'messages', 1, repeat('x', 256)),
       (10, 'org_h', 'tea', 1, null), (11, 'org_h', null, 1, null), (12, null, 'tea', 0, '')) v (n, account_id, metric, amount, request_id)
     cross join lateral app.decide_usage(v.account_id, v.metric, v.amount, v.request_id, 'charge', false, null, null, null, null) d order by n $$,
  $$ values
     ('PY004', 'account_id must have 1 to 255 characters'), ('PY004', 'account_id must have 1 to 255 characters'),
     ('PY004', 'account_id must have 1 to 255 characters'),
     ('PY003', 'amount must be a whole number from 1 to 1000000000, not null'), ('PY003', 'amount must be a whole number from 1 to 1000000000, not 0'),
     ('PY003', 'amount must be a whole number from 1 to 1000000000, not -1'), ('PY003', 'amount must be a whole number from 1 to 1000000000, not 1000000001'),
     ('PY004', 'request_id must have 1 to 255 characters'), ('PY004', 'request_id must have 1 to 255 characters'),
     ('PY001', 'unknown metric ''tea'''), ('PY001', 'unknown metric null'),
     ('PY004', 'account_id must have 1 to 255 characters') $$,
  'each bad argument has its code and sentence; of several the account comes first');
select is(pg_temp.decide('org_h', 'chatbots', 1), '(PY410,,,,,,)', 'a gauge that counts rows is refused to an unknown account too');
select is_empty($$ select from app.accounts where account_id = 'org_h' $$, 'bad arguments leave no account behind');
select is(pg_temp.decide('org_i', 'chatbots', 2, null, 'insert', true), '(,f,0,1,1,free,f)', 'the trigger of the rows makes the account');
select is(pg_temp.decide('org_g', 'tea', 1), '(PY001,,,,,,)', 'a metric is unknown to known accounts, too');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger at the end');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.decide_usage('org_w', 'messages', 1, null, 'charge', false, null, null, null, null) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.decide_usage('org_w', 'messages', 1, null, 'charge', false, null, null, null, null) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.decide_usage('org_w', 'messages', 1, null, 'charge', false, null, null, null, null) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.decide_usage('org_w', 'messages', 1, null, 'charge', false, null, null, null, null) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
