-- decide_usage_at_once: the cases it decides are decided as the single call would; all others it leaves alone.
begin;
select plan(33);

create function pg_temp.at_once(p_accounts text[], p_metrics text[], p_amounts bigint[], p_ids text[] default null)
returns table (place integer, allowed boolean, used bigint, quota bigint, resets_at timestamptz, plan text) language sql as $$
  select e.place::integer, e.allowed, e.used, e.quota, e.resets_at, e.plan
  from app.decide_usage_at_once(p_accounts, p_metrics, p_amounts, p_ids, null, null, null, null) b
  cross join lateral unnest(b.allowed, b.used, b.quotas, b.resets_at, b.plans) with ordinality as e (allowed, used, quota, resets_at, plan, place)
  order by e.place
$$;
create temp view disagreements as
select account_id, metric, window_start, c.used, l.total
from app.counters c
full join (select account_id, metric, window_start, sum(amount) as total from app.usage_events group by 1, 2, 3) l
  using (account_id, metric, window_start)
where coalesce(c.used, 0) <> coalesce(l.total, 0);

-- First uses are somebody else's
select throws_ok($$ select * from pg_temp.at_once(array['org_a'], array['messages'], array[1]) $$, 'PY998', null, 'an account that is new');
select app.ensure_account('org_a');
select throws_ok($$ select * from pg_temp.at_once(array['org_a'], array['messages'], array[1]) $$, 'PY998', null, 'and a counter that is not there are for open_windows');
select is_empty('select * from counters', 'and nothing is charged');
select app.open_windows(array['org_a', 'org_a', 'org_b', 'org_a'], array['messages', 'seats', 'messages', 'api_calls'], false);

-- All of a counter's requests fit
select results_eq(
  $$ select place, allowed, used, quota from pg_temp.at_once(array['org_b', 'org_a', 'org_b', 'org_a'],
       array['messages', 'messages', 'messages', 'messages'], array[3, 1, 4, 2]) $$,
  $$ values (1, true, 3::bigint, 100::bigint), (2, true, 1, 100), (3, true, 7, 100), (4, true, 3, 100) $$,
  'each sees the ones before it on the same counter');
select is((select resets_at from pg_temp.at_once(array['org_a'], array['messages'], array[1])),
          (select resets_at from check_and_increment_usage('org_a', 'messages', 1)), 'a counter resets when the single call says');
select is((select resets_at from pg_temp.at_once(array['org_a'], array['seats'], array[1])), null, 'a level never');
select is((select array_agg(used order by place) from pg_temp.at_once(array['org_b'], array['messages'], array[93])), '{100}'::bigint[], 'exactly to the quota');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger');

-- None fits
select results_eq(
  $$ select place, allowed, used from pg_temp.at_once(array['org_b', 'org_b', 'org_a'], array['messages', 'messages', 'messages'], array[1, 5, 1]) $$,
  $$ values (1, false, 100::bigint), (2, false, 100), (3, true, 6) $$,
  'where not even the smallest fits all are refused, and others are granted beside it');
select is((select count(*) from usage_events where account_id = 'org_b'), 3::bigint, 'a refusal leaves no ledger row');

-- Some fit
select throws_ok($$ select * from pg_temp.at_once(array['org_a', 'org_a'], array['messages', 'messages'], array[95, 1]) $$, 'PY999', null,
  'some but not all: that is to be sorted out');
select is((select used from counters where account_id = 'org_a' and metric = 'messages'), 6::bigint, 'and nothing of it stays');

-- Request ids
select results_eq(
  $$ select place, used from pg_temp.at_once(array['org_a', 'org_a', 'org_a'], array['api_calls', 'api_calls', 'api_calls'], array[1, 2, 3],
       array['r1', null, 'r2']) $$,
  $$ values (1, 1::bigint), (2, 3), (3, 6) $$, 'some may have request ids');
select results_eq(
  $$ select used, replayed from check_and_increment_usage('org_a', 'api_calls', 3, 'r2') $$, $$ values (6::bigint, true) $$,
  'by which the single call finds them again');
select throws_ok($$ select * from pg_temp.at_once(array['org_a', 'org_a'], array['api_calls', 'api_calls'], array[1, 1], array['r3', 'r1']) $$,
  'PY999', null, 'one that is known is for the single call');
select throws_ok($$ select * from pg_temp.at_once(array['org_a', 'org_a'], array['api_calls', 'api_calls'], array[1, 1], array['r3', 'r3']) $$,
  'PY999', null, 'as is one that two of the batch share');
select is((select count(*) from usage_requests where request_id = 'r3'), 0::bigint, 'and is not used up by it');
select decrement_usage('org_a', 'api_calls', 1, 'r4');
select throws_ok($$ select * from pg_temp.at_once(array['org_a'], array['api_calls'], array[1], array['r4']) $$,
  'PY999', null, 'as is one that gave units back before it charged any');
select pg_temp.at_once(array['org_b'], array['messages'], array[2], array['refused']);
select results_eq($$ select allowed, used, replayed from check_and_increment_usage('org_b', 'messages', 2, 'refused') $$,
  $$ values (false, 100::bigint, true) $$, 'a refusal is kept too');

-- Quotas
update accounts set plan = 'enterprise' where account_id = 'org_b';
select results_eq($$ select allowed, used, quota, plan from pg_temp.at_once(array['org_b'], array['messages'], array[1000]) $$,
  $$ values (true, 1100::bigint, null::bigint, 'enterprise') $$, 'unlimited is null');
update accounts set plan_ends_at = app.clock() where account_id = 'org_b';
select results_eq($$ select allowed, quota, plan from pg_temp.at_once(array['org_b'], array['messages'], array[1]) $$,
  $$ values (false, 100::bigint, 'free') $$, 'a plan that has ended is free');
delete from plan_quotas where plan = 'free' and metric = 'messages';
select results_eq($$ select allowed, quota from pg_temp.at_once(array['org_b'], array['messages'], array[1]) $$,
  $$ values (false, 0::bigint) $$, 'where no row says anything the quota is 0, not unlimited');
update accounts set plan = 'growth', plan_ends_at = null, pending_plan = 'free' where account_id = 'org_a';
select results_eq($$ select allowed, quota from pg_temp.at_once(array['org_a'], array['seats'], array[1]) $$,
  $$ values (false, (select quota from plan_quotas where plan = 'free' and metric = 'seats')) $$,
  'a level is held to the smaller plan while a downgrade is scheduled');
update counters set used = 9007199254740991 where account_id = 'org_b';
update accounts set plan = 'enterprise', plan_ends_at = null where account_id = 'org_b';
select throws_ok($$ select * from pg_temp.at_once(array['org_b'], array['messages'], array[1]) $$, 'PY999', null, 'what would overflow is for the single call to explain');
update accounts set closed_at = app.clock() where account_id = 'org_b';
select throws_ok($$ select * from pg_temp.at_once(array['org_a', 'org_b'], array['messages', 'messages'], array[1, 1]) $$, 'PY999', null, 'as is an account that is closed');

-- Entries that are bad
select app.open_windows(array['org_a'], array['messages'], false);
select throws_ok(format($$ select * from pg_temp.at_once(%L, %L, %L, %L) $$, account_ids, metrics, amounts, ids), 'PY999', null, wrong || ' is for the single call to explain')
from (values
  ('a metric that there is not', '{org_a,org_a}', '{messages,tea}', '{1,1}', null),
  ('one that counts rows', '{org_a}', '{chatbots}', '{1}', null),
  ('no amount', '{org_a}', '{messages}', '{null}', null),
  ('an amount of 0', '{org_a,org_a}', '{messages,messages}', '{1,0}', null),
  ('no account', '{null}', '{messages}', '{1}', null),
  ('an empty request id', '{org_a}', '{messages}', '{1}', '{""}')
) w (wrong, account_ids, metrics, amounts, ids);

-- Sources
select * from app.decide_usage_at_once(array['org_a'], array['messages'], array[1], null, array['00000000-0000-4000-8000-000000000001'::uuid],
  array['00000000-0000-4000-8000-000000000002'::uuid], array['widget'], array['answer']);
select results_eq(
  $$ select amount, reason, chatbot_id, conversation_id, channel, operation from usage_events order by id desc limit 1 $$,
  $$ values (1::bigint, 'charge', '00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'answer') $$,
  'the source is kept on the ledger row');
select is((select count(*) from disagreements where account_id = 'org_a'), 0::bigint, 'after all of it the counters are the sums of their ledgers');

select * from finish();
rollback;
