-- return_usage: gives units back, never below 0.
begin;
select plan(29);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create temp view disagreements as
select account_id, metric, window_start, c.used, l.total
from app.counters c
full join (select account_id, metric, window_start, sum(amount) as total from app.usage_events group by 1, 2, 3) l
  using (account_id, metric, window_start)
where coalesce(c.used, 0) <> coalesce(l.total, 0);

create function pg_temp.give_back(p_account_id text, p_metric text, p_most bigint, p_window_start timestamptz default null)
returns text language sql as $$
  select (r.given, r.used, r.quota, r.remaining, r.plan)::text
  from app.return_usage(p_account_id, p_metric, p_most, p_window_start, null, 'return', null, null, null, null) r
$$;
select pg_temp.travel_to('2026-03-10 09:00:00+00');
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'messages', 50) $$, 'an account has used 50 of 100');

select results_eq(
  $$ select given, used, quota, remaining, resets_at, plan, window_start from app.return_usage('org_a', 'messages', 20, null, 'r1', 'release',
       '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 'widget', 'answer') $$,
  $$ values (20::bigint, 30::bigint, 100::bigint, 70::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', timestamptz '2026-03-10 09:00:00+00') $$,
  'units go back into the current window');
select results_eq(
  $$ select amount, occurred_at, window_start, reason, request_id, chatbot_id, conversation_id, channel, operation
     from app.usage_events where account_id = 'org_a' and amount < 0 $$,
  $$ values (-20::bigint, timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:00:00+00', 'release', 'r1',
             '00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'answer') $$,
  'the ledger row says how much, why and from where');
select is(pg_temp.give_back('org_a', 'messages', 29), '(29,1,100,99,free)', 'nearly all may go back');
select is(pg_temp.give_back('org_a', 'messages', 2), '(1,0,100,100,free)', 'no more than was used is given');
select is(pg_temp.give_back('org_a', 'messages', 1), '(0,0,100,100,free)', 'at 0 nothing is given');
select is(pg_temp.give_back('org_a', 'messages', 9223372036854775807), '(0,0,100,100,free)', 'however much is asked for');
select is(pg_temp.give_back('org_a', 'api_calls', 5), '(0,0,1000,1000,free)', 'where nothing was ever used nothing is given');
select is((select count(*) from app.counters where account_id = 'org_a'), 1::bigint, 'and no counter is made');
select is(pg_temp.give_back('org_none', 'messages', 5), '(0,0,100,100,free)', 'an unknown account has nothing to be given back');
select is(
  (select array_agg(amount order by id) from app.usage_events where account_id = 'org_a'), '{50,-20,-29,-1}'::bigint[], 'the ledger has only what was given');

-- Another window than the current one
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'messages', 80) $$, 'the window is used again');
select pg_temp.travel_to('2026-04-11 00:00:00+00');
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'messages', 7) $$, 'and the next one');
select results_eq(
  $$ select given, used, quota, remaining, resets_at, window_start from app.return_usage('org_a', 'messages', 30, '2026-03-10 09:00:00+00', null, 'return',
       null, null, null, null) $$,
  $$ values (30::bigint, 50::bigint, 100::bigint, 50::bigint, null::timestamptz, timestamptz '2026-03-10 09:00:00+00') $$,
  'units go back into the window that is named; an ended one resets no more');
select is(pg_temp.give_back('org_a', 'messages', 100, '2026-04-10 09:00:00+00'), '(7,0,100,100,free)', 'the current window may be named, too');
select is(pg_temp.give_back('org_a', 'messages', 100, '2025-01-01 00:00:00+00'), '(0,0,100,100,free)', 'a window that never was has nothing to give');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_a' order by 1 $$,
  $$ values (timestamptz '2026-03-10 09:00:00+00', 50::bigint), ('2026-04-10 09:00:00+00', 0) $$, 'each window keeps its own sum');

-- Gauges and plans
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'seats') $$, 'a gauge is used');
select results_eq(
  $$ select given, used, remaining, resets_at, window_start from app.return_usage('org_a', 'seats', 1, null, null, 'return', null, null, null, null) $$,
  $$ values (1::bigint, 0::bigint, 1::bigint, null::timestamptz, timestamptz '-infinity') $$, 'a gauge is given back in its one window');
update app.accounts set plan = 'starter' where account_id = 'org_a';
select is((select used from api.check_and_increment_usage('org_a', 'messages', 300)), 300::bigint, 'more than free allows is used');
update app.accounts set plan = 'free' where account_id = 'org_a';
select is(pg_temp.give_back('org_a', 'messages', 1), '(1,299,100,0,free)', 'above a lowered quota remaining is 0');
update app.accounts set plan = 'enterprise' where account_id = 'org_a';
select is(pg_temp.give_back('org_a', 'messages', 1), '(1,298,,,enterprise)', 'unlimited is null');

select throws_ok(
  $$ select app.return_usage('org_a', 'tea', 1, null, null, 'return', null, null, null, null) $$, 'PY001', 'unknown metric ''tea''',
  'an unknown metric is an error');
select throws_ok(
  $$ select app.return_usage('org_a', null, 1, null, null, 'return', null, null, null, null) $$, 'PY001', 'unknown metric null', 'no metric is an error');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.return_usage('org_w', 'messages', 1, null, null, 'return', null, null, null, null) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.return_usage('org_w', 'messages', 1, null, null, 'return', null, null, null, null) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.return_usage('org_w', 'messages', 1, null, null, 'return', null, null, null, null) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.return_usage('org_w', 'messages', 1, null, null, 'return', null, null, null, null) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
