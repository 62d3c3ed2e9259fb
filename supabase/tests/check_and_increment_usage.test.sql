-- check_and_increment_usage: what its docstring promises, as seen by the server. The rules of the decision itself are in
-- internal/decide_usage.test.sql.
begin;
select plan(80);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create temp view disagreements as
select account_id, metric, window_start, c.used, l.total
from app.counters c
full join (select account_id, metric, window_start, sum(amount) as total from app.usage_events group by 1, 2, 3) l
  using (account_id, metric, window_start)
where coalesce(c.used, 0) <> coalesce(l.total, 0);
select pg_temp.travel_to('2026-03-10 09:00:00+00');

-- The decision
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.check_and_increment_usage('org_a', 'messages')),
  '(t,1,100,99,free,f)',
  'the first call of an unknown account is granted 1 unit on plan free');
select results_eq(
  $$ select plan, plan_ends_at, anchor, created_at from app.accounts where account_id = 'org_a' $$,
  $$ values ('free', null::timestamptz, timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:00:00+00') $$,
  'the account was made on its first use, on plan free, anchored now');
select is(
  (select resets_at from api.check_and_increment_usage('org_a', 'messages', 9)), timestamptz '2026-04-10 09:00:00+00',
  'resets_at is one month after the anchor');
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.check_and_increment_usage('org_a', 'messages', 90)),
  '(t,100,100,0,free,f)',
  'the quota may be used up to the last unit');
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.check_and_increment_usage('org_a', 'messages', 1)),
  '(f,100,100,0,free,f)',
  'one unit more is refused as data, not as an error');
select is(
  (select resets_at from api.check_and_increment_usage('org_a', 'messages', 1)), timestamptz '2026-04-10 09:00:00+00',
  'a refusal says when the units return');
select is(
  (select (allowed, used, quota, remaining)::text from api.check_and_increment_usage('org_b', 'messages', 101)),
  '(f,0,100,100)',
  'an amount beyond the quota is refused whole: nothing is charged');
select is(
  (select (allowed, used, quota, remaining)::text from api.check_and_increment_usage('org_b', 'messages', 60)),
  '(t,60,100,40)',
  'another account has its own counter');
select is(
  (select (allowed, used, quota, remaining)::text from api.check_and_increment_usage('org_b', 'messages', 41)),
  '(f,60,100,40)',
  'a refusal tells what is still left');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_b', 'messages', 40)),
  '(t,100)',
  'a smaller amount that fits is granted after a refusal');
select is(
  (select (allowed, used, quota)::text from api.check_and_increment_usage('org_b', 'api_calls', 1)),
  '(t,1,1000)',
  'another metric has its own counter and quota');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after grants and refusals');
select is(
  (select sum(amount) from app.usage_events where account_id in ('org_a', 'org_b') and metric = 'messages'), 200::numeric,
  'only what was granted is in the ledger');

-- Kinds of metric
select is(
  (select (allowed, used, quota, remaining, resets_at)::text from api.check_and_increment_usage('org_a', 'seats', 1)),
  '(t,1,1,0,)',
  'a gauge never resets: resets_at is null');
select is(
  (select (allowed, used, resets_at)::text from api.check_and_increment_usage('org_a', 'seats', 1)),
  '(f,1,)',
  'a gauge at its quota refuses');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'chatbots') $$, 'PY410',
  'metric chatbots moves with its rows: insert or delete them instead',
  'the gauge chatbots cannot be moved by hand');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'storage_bytes', 5) $$, 'PY410',
  'metric storage_bytes moves with its rows: insert or delete them instead',
  'the gauge storage_bytes cannot be moved by hand');

-- Unlimited
update app.accounts set plan = 'enterprise' where account_id = 'org_b';
select is(
  (select (allowed, used, quota, remaining, plan)::text from api.check_and_increment_usage('org_b', 'messages', 1000000000)),
  '(t,1000000100,,,enterprise)',
  'on an unlimited plan quota and remaining are null, and a billion units more are granted');
select is(
  (select (allowed, used, quota, remaining)::text from api.check_and_increment_usage('org_b', 'seats', 1000000000)),
  '(t,1000000000,,)',
  'an unlimited gauge has no quota and no remaining either');
insert into app.counters (account_id, metric, window_start, used) values ('org_b', 'api_calls', '2026-03-10 09:00:00+00', 9007199254740986)
on conflict (account_id, metric, window_start) do update set used = excluded.used;
insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
values ('org_b', 'api_calls', 9007199254740985, app.clock(), '2026-03-10 09:00:00+00', 'correction');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_b', 'api_calls', 5)), '(t,9007199254740991)',
  'unlimited goes as far as a JSON number is exact');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_b', 'api_calls', 1) $$, 'PY003', 'amount 1 would take api_calls beyond what can be counted',
  'beyond it the amount is an error, with its sentence');
select is((select used from app.counters where account_id = 'org_b' and metric = 'api_calls'), 9007199254740991, 'and nothing is charged');

-- A smaller plan afterwards
update app.accounts set plan = 'starter' where account_id = 'org_b';
select is(
  (select (allowed, used, quota, remaining, plan)::text from api.check_and_increment_usage('org_b', 'messages')),
  '(f,1000000100,2000,0,starter)',
  'above a lowered quota everything is refused and remaining is 0, never negative');

-- A new window
select pg_temp.travel_to('2026-04-10 08:59:59.999999+00');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_a', 'messages')), '(f,100)',
  'the last microsecond of the window still belongs to it');
select pg_temp.travel_to('2026-04-10 09:00:00+00');
select results_eq(
  $$ select allowed, used, quota, remaining, resets_at from api.check_and_increment_usage('org_a', 'messages', 2) $$,
  $$ values (true, 2::bigint, 100::bigint, 98::bigint, timestamptz '2026-05-10 09:00:00+00') $$,
  'a new window starts with nothing used');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_a' and metric = 'messages' order by 1 $$,
  $$ values (timestamptz '2026-03-10 09:00:00+00', 100::bigint), (timestamptz '2026-04-10 09:00:00+00', 2::bigint) $$,
  'the counter of the window before stays as it was');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_a', 'seats')), '(f,1)',
  'a gauge does not start again with the window');
select pg_temp.travel_to('2026-08-01 00:00:00+00');
select is(
  (select resets_at from api.check_and_increment_usage('org_a', 'messages')), timestamptz '2026-08-10 09:00:00+00',
  'after months of silence the window still follows from the anchor');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger in every window');

-- Safe to repeat
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.check_and_increment_usage('org_r', 'messages', 30, 'req-1')),
  '(t,30,100,70,free,f)',
  'the first call with a request id is decided');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_r', 'messages', 30, 'req-2')), '(t,60)',
  'another request id is another request');
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.check_and_increment_usage('org_r', 'messages', 30, 'req-1')),
  '(t,30,100,70,free,t)',
  'a repeated call gets the first decision, not today''s numbers');
select is(
  (select used from app.counters where account_id = 'org_r' and metric = 'messages'), 60::bigint,
  'a repeated call charges nothing');
select is(
  (select count(*) from app.usage_events where account_id = 'org_r' and request_id = 'req-1'), 1::bigint,
  'a repeated call writes no second ledger row');
select is(
  (select (allowed, used, replayed)::text from api.check_and_increment_usage('org_r', 'messages', 41, 'req-3')), '(f,60,f)',
  'a refusal with a request id is a decision too');
update app.accounts set plan = 'growth' where account_id = 'org_r';
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.check_and_increment_usage('org_r', 'messages', 41, 'req-3')),
  '(f,60,100,40,free,t)',
  'a repeated call gets the first refusal, even where a larger plan would allow it now');
select is(
  (select (allowed, used, plan)::text from api.check_and_increment_usage('org_r', 'messages', 41, 'req-4')), '(t,101,growth)',
  'a new request id is decided by the plan in force');
select pg_temp.travel_to('2026-12-24 00:00:00+00');
select is(
  (select (allowed, used, replayed)::text || resets_at from api.check_and_increment_usage('org_r', 'messages', 30, 'req-1')),
  '(t,30,t)' || timestamptz '2026-09-01 00:00:00+00',
  'a call repeated after the window has ended still gets the first decision');
select is(
  (select count(*) from app.counters where account_id = 'org_r'), 1::bigint,
  'and opens no new window');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_r', 'messages', 31, 'req-1') $$, 'PY409',
  'request id req-1 was used for a charge of 30 messages; use another id for another request',
  'a request id used with another amount is an error');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_r', 'api_calls', 30, 'req-1') $$, 'PY409', null,
  'a request id used for another metric is an error');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_r', 'messages', 42, 'req-3') $$, 'PY409', null,
  'the request id of a refusal is taken as well');
select lives_ok(
  $$ select * from api.reserve_usage('org_q', 'messages', 10, 'answer-1'); select * from api.settle_usage('org_q', 'answer-1', 0) $$,
  'a reservation is made and released');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_q', 'messages', 10, 'answer-1') $$, 'PY409',
  'request id answer-1 was used for a reserve of 10 messages; use another id for another request',
  'the request id of a reservation cannot name a charge, though all else is the same: it would be granted for nothing');
select is((select used from app.counters where account_id = 'org_q'), 0::bigint, 'and nothing is charged');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_q', 'messages', 50); select * from api.decrement_usage('org_q', 'messages', 30, 'late-1') $$,
  'units are given back under an id that has charged nothing yet');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_q', 'messages', 30, 'late-1') $$, 'PY409',
  'request id late-1 gave units back before it charged any; use another id',
  'that id charges nothing any more: its give-back is over and could not be repeated');
select is((select used from app.counters where account_id = 'org_q'), 20::bigint, 'the counter keeps what others charged');
select is_empty(
  $$ select from app.usage_requests where account_id = 'org_q' and request_id = 'late-1' and reason <> 'return' union all
     select from app.usage_events where account_id = 'org_q' and request_id = 'late-1' and amount > 0 $$,
  'neither a decision nor a ledger row is left of the call');
select is(
  (select (allowed, used, replayed)::text from api.check_and_increment_usage('org_s', 'messages', 5, 'req-1')), '(t,5,f)',
  'request ids belong to their account: another account may use the same');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_s', 'messages', 1, repeat('x', 255))), '(t,6)',
  'a request id may have 255 characters');
select is(
  (select string_agg(used::text, ' ' order by n) from generate_series(1, 3) n
   cross join lateral api.check_and_increment_usage('org_s', 'messages', n - n + 1)), '7 8 9',
  'without a request id every call counts');

-- The source is kept on the ledger row
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_t', 'messages', 2, 'req-1', '00000000-0000-4000-8000-000000000001',
       '00000000-0000-4000-8000-000000000002', 'widget', 'chat') $$,
  'a call may name its source');
select results_eq(
  $$ select amount, reason, request_id, chatbot_id, conversation_id, channel, operation, occurred_at, window_start
     from app.usage_events where account_id = 'org_t' $$,
  $$ values (2::bigint, 'charge', 'req-1', '00000000-0000-4000-8000-000000000001'::uuid,
             '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'chat',
             timestamptz '2026-12-24 00:00:00+00', timestamptz '2026-12-24 00:00:00+00') $$,
  'the ledger row says who, how much, when, in which window and from where');
select lives_ok(
  $$ select from unnest(array['playground', 'widget', 'api']) c
     cross join lateral api.check_and_increment_usage('org_t', 'messages', p_channel => c) $$,
  'playground, widget and api are channels');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_t', 'messages', p_channel => 'email') $$, 'PY004',
  'channel must be playground, widget or api, not ''email''',
  'another channel is an error');

-- Arguments
select throws_ok(
  format($$ select * from api.check_and_increment_usage('org_u', 'messages', %s) $$, bad), 'PY003',
  format('amount must be a whole number from 1 to 1000000000, not %s', bad),
  format('amount %s is an error', bad))
from unnest(array['0', '-1', 'null', '1000000001', '9223372036854775807']) bad;
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_u', 'messages', 1000000000)), '(f,0)',
  'a billion units are an amount like any other');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_v', 'tea') $$, 'PY001', 'unknown metric ''tea''',
  'an unknown metric is an error');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_v', null) $$, 'PY001', 'unknown metric null',
  'no metric is an error');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_r', null, 30, 'req-1') $$, null, null,
  'no metric is an error even with a request id that was used before');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_v', 'chatbots') $$, 'PY410', null,
  'a gauge that counts rows is an error to an unknown account too');
select is_empty(
  $$ select from app.accounts where account_id = 'org_v' $$,
  'none of these leaves an account behind');
select throws_ok(
  format($$ select * from api.check_and_increment_usage(%s, 'messages') $$, bad), 'PY004',
  'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;
select throws_ok(
  format($$ select * from api.check_and_increment_usage('org_u', 'messages', 1, %s) $$, bad), 'PY004',
  'request_id must have 1 to 255 characters',
  format('request id %s is an error', left(bad, 10)))
from unnest(array['''''', 'repeat(''x'', 256)']) bad;
select lives_ok(
  $$ select * from api.check_and_increment_usage(repeat('x', 255), 'messages') $$,
  'an account id may have 255 characters');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger at the end');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.check_and_increment_usage('org_w', 'messages') $$, 'the server may call it');
select throws_ok($$ select * from app.counters $$, '42501', null, 'the server may not read the tables behind it');
select throws_ok(
  $$ select app.decide_usage('org_w', 'messages', 1, null, 'charge', true, null, null, null, null) $$, '42501', null,
  'the server may not call the functions behind it');
set local role authenticated;
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_w', 'messages') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.check_and_increment_usage('org_w', 'messages') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_w', 'messages') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
