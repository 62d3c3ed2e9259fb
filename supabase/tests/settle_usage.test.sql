-- settle_usage: what its docstring promises.
begin;
select plan(75);

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
-- Tokens are what is estimated here; how many a plan gives is not what this file is about.
update app.plan_quotas set quota = 200000 where plan = 'free' and metric = 'llm_tokens';

-- Below the estimate
select lives_ok(
  $$ select * from api.reserve_usage('org_a', 'llm_tokens', 1000, 'answer-1', 900, '00000000-0000-4000-8000-000000000001',
       '00000000-0000-4000-8000-000000000002', 'widget', 'answer') $$,
  'an estimate of 1000 is reserved');
select results_eq(
  $$ select allowed, used, quota, remaining, resets_at, plan, replayed from api.settle_usage('org_a', 'answer-1', 300) $$,
  $$ values (true, 300::bigint, 200000::bigint, 199700::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', false) $$,
  'settling below the estimate gives the rest back');
select results_eq(
  $$ select status, reserved, settled, overrun from app.usage_reservations where account_id = 'org_a' $$,
  $$ values ('settled', 1000::bigint, 300::bigint, 0::bigint) $$, 'the reservation is settled to the real number');
select results_eq(
  $$ select amount, reason, request_id, chatbot_id, conversation_id, channel, operation from app.usage_events where account_id = 'org_a' order by id $$,
  $$ values
     (1000::bigint, 'reserve', 'answer-1', '00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'answer'),
     (-700, 'settle', 'answer-1', '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 'widget', 'answer') $$,
  'the ledger keeps both, with the source of the reservation');

-- Exactly the estimate
select lives_ok($$ select * from api.reserve_usage('org_b', 'llm_tokens', 1000, 'answer-1') $$, 'another estimate is reserved');
select is(
  (select (allowed, used, remaining, replayed)::text from api.settle_usage('org_b', 'answer-1', 1000)), '(t,1000,199000,f)',
  'settling to the estimate moves nothing');
select is((select count(*) from app.usage_events where account_id = 'org_b'), 1::bigint, 'and writes no ledger row');

-- Above the estimate
select lives_ok($$ select * from api.reserve_usage('org_c', 'llm_tokens', 1000, 'answer-1') $$, 'another estimate is reserved');
select is(
  (select (allowed, used, remaining)::text from api.settle_usage('org_c', 'answer-1', 1500)), '(t,1500,198500)',
  'what was used beyond the estimate is charged where the quota allows it');
select is(
  (select (status, reserved, settled, overrun)::text from app.usage_reservations where account_id = 'org_c'), '(settled,1000,1500,0)',
  'without an overrun');
select results_eq(
  $$ select amount, reason from app.usage_events where account_id = 'org_c' order by id $$,
  $$ values (1000::bigint, 'reserve'), (500, 'settle') $$, 'the ledger has the rest as its own row');
select lives_ok($$ select * from api.reserve_usage('org_c', 'llm_tokens', 198000, 'answer-2') $$, 'most of what is left is reserved');
select is(
  (select (allowed, used, quota, remaining)::text from api.settle_usage('org_c', 'answer-2', 199000)), '(t,200000,200000,0)',
  'beyond the quota nothing is charged: the counter stops at it');
select is(
  (select (status, reserved, settled, overrun)::text from app.usage_reservations where account_id = 'org_c' and request_id = 'answer-2'),
  '(settled,198000,198500,500)', 'what could not be charged is noted as overrun');
select is(
  (select (allowed, used, replayed)::text from api.settle_usage('org_c', 'answer-2', 199000)), '(t,200000,t)',
  'a settlement with an overrun may be repeated with the same real number');
select lives_ok($$ select * from api.reserve_usage('org_d', 'llm_tokens', 200000, 'answer-1') $$, 'a whole quota is reserved');
select is(
  (select (allowed, used, remaining)::text from api.settle_usage('org_d', 'answer-1', 1000000000)), '(t,200000,0)',
  'with no quota left everything beyond the estimate is overrun');
select is(
  (select (settled, overrun)::text from app.usage_reservations where account_id = 'org_d'), '(200000,999800000)', 'to the last unit');
select is((select count(*) from app.usage_events where account_id = 'org_d'), 1::bigint, 'and the ledger gets no row for it');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_e', 'messages');
     update app.accounts set plan = 'enterprise' where account_id = 'org_e';
     select * from api.reserve_usage('org_e', 'llm_tokens', 1, 'answer-1') $$,
  'an unlimited account reserves 1');
select is(
  (select (allowed, used, quota, remaining, plan)::text from api.settle_usage('org_e', 'answer-1', 1000000000)), '(t,1000000000,,,enterprise)',
  'without a quota everything is charged; quota and remaining are null');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_f', 'messages');
     update app.accounts set plan = 'starter' where account_id = 'org_f';
     select * from api.reserve_usage('org_f', 'llm_tokens', 300000, 'answer-1');
     update app.accounts set plan = 'free' where account_id = 'org_f' $$,
  'a plan becomes smaller while the work is done');
select is(
  (select (allowed, used, quota, remaining)::text from api.settle_usage('org_f', 'answer-1', 300001)), '(t,300000,200000,0)',
  'above a lowered quota nothing more is charged, and nothing is taken away');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after settlements');

-- Released
select lives_ok($$ select * from api.reserve_usage('org_g', 'llm_tokens', 1000, 'answer-1') $$, 'another estimate is reserved');
select is(
  (select (allowed, used, remaining, replayed)::text from api.settle_usage('org_g', 'answer-1', 0)), '(t,0,200000,f)',
  'settling to 0 gives everything back');
select is(
  (select (status, settled, overrun)::text from app.usage_reservations where account_id = 'org_g'), '(released,0,0)', 'the reservation is released');
select results_eq(
  $$ select amount, reason from app.usage_events where account_id = 'org_g' order by id $$,
  $$ values (1000::bigint, 'reserve'), (-1000, 'release') $$, 'the ledger says so');
select is(
  (select (allowed, used, replayed)::text from api.settle_usage('org_g', 'answer-1', 0)), '(t,0,t)', 'releasing again changes nothing');
select is(
  (select (allowed, used, replayed)::text from api.settle_usage('org_g', 'answer-1', 500)), '(f,0,t)',
  'settling what was released is not allowed: what was said to cost nothing costs nothing');
select is((select used from app.counters where account_id = 'org_g'), 0::bigint, 'the counter stays at 0');

-- Safe to repeat
select is(
  (select (allowed, used, replayed)::text from api.settle_usage('org_a', 'answer-1', 300)), '(t,300,t)', 'a repeated settlement changes nothing');
select is((select used from app.counters where account_id = 'org_a'), 300::bigint, 'the counter stays');
select throws_ok(
  format($$ select * from api.settle_usage('org_a', 'answer-1', %s) $$, other), 'PY409', 'reservation answer-1 was settled to 300',
  format('settling to another number (%s) is an error', other))
from unnest(array['301', '0', '1000']) other;
select throws_ok(
  $$ select * from api.settle_usage('org_c', 'answer-2', 198500) $$, 'PY409', 'reservation answer-2 was settled to 199000',
  'the number to repeat is the real one, not the one charged');

-- After the window has rolled over
select lives_ok(
  $$ select * from api.reserve_usage('org_h', 'llm_tokens', 1000, 'below', 86400);
     select * from api.reserve_usage('org_h', 'llm_tokens', 1000, 'above', 86400);
     select * from api.reserve_usage('org_h', 'llm_tokens', 1000, 'none', 86400) $$,
  'three estimates are reserved in March');
select pg_temp.travel_to('2026-04-10 09:00:00+00');
select lives_ok($$ select * from api.check_and_increment_usage('org_h', 'llm_tokens', 7) $$, 'the account uses its April window');
select results_eq(
  $$ select allowed, used, quota, remaining, resets_at from api.settle_usage('org_h', 'below', 400) $$,
  $$ values (true, 2400::bigint, 200000::bigint, 197600::bigint, null::timestamptz) $$,
  'the rest goes back into the window that was charged, which resets no more');
select is((select used from api.settle_usage('org_h', 'above', 1500)), 2900::bigint, 'what goes beyond is charged there too');
select is((select used from api.settle_usage('org_h', 'none', 0)), 1900::bigint, 'and what is released goes back there');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_h' order by 1 $$,
  $$ values (timestamptz '2026-03-10 09:00:00+00', 1900::bigint), (timestamptz '2026-04-10 09:00:00+00', 7::bigint) $$,
  'the current window is untouched');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger in every window');

-- Never below 0
select lives_ok(
  $$ select * from api.reserve_usage('org_i', 'llm_tokens', 1000, 'answer-1');
     select * from api.decrement_usage('org_i', 'llm_tokens', 900) $$,
  'most of a reservation was given back by other means');
select is(
  (select (allowed, used)::text from api.settle_usage('org_i', 'answer-1', 0)), '(t,0)', 'a release never lowers a counter below 0');
select is(
  (select amount from app.usage_events where account_id = 'org_i' and reason = 'release'), -100::bigint,
  'and the ledger has what was really given back');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger at the end');

-- Arguments
select lives_ok($$ select * from api.reserve_usage('org_j', 'llm_tokens', 10, 'answer-1') $$, 'an estimate is reserved');
select throws_ok(
  format($$ select * from api.settle_usage('org_j', 'answer-1', %s) $$, bad), 'PY003',
  format('amount must be a whole number from 0 to 1000000000, not %s', bad), format('amount %s is an error', bad))
from unnest(array['-1', 'null', '1000000001']) bad;
select throws_ok($$ select * from api.settle_usage('org_j', 'answer-2', 1) $$, 'PY404', 'no reservation answer-2', 'an unknown reservation is an error');
select throws_ok($$ select * from api.settle_usage('org_j', null, 1) $$, 'PY404', 'no reservation null', 'no request id is an error');
select throws_ok(
  $$ select * from api.settle_usage('org_k', 'answer-1', 1) $$, 'PY404', null, 'the reservation of another account is not there');
select throws_ok($$ select * from api.settle_usage(null, 'answer-1', 1) $$, 'PY404', null, 'without an account there is no reservation');
select is(
  (select allowed from api.reserve_usage('org_j', 'llm_tokens', 200000, 'answer-3')), false, 'an estimate is refused');
select throws_ok($$ select * from api.settle_usage('org_j', 'answer-3', 1) $$, 'PY404', null, 'a refused estimate cannot be settled');
select lives_ok($$ select * from api.check_and_increment_usage('org_j', 'llm_tokens', 1, 'charge-1') $$, 'a request id is used for a charge');
select throws_ok($$ select * from api.settle_usage('org_j', 'charge-1', 1) $$, 'PY404', null, 'a charge cannot be settled');
select is((select used from api.settle_usage('org_j', 'answer-1', 1)), 2::bigint, '1 is the smallest real number that is charged');

-- What counts against the cap of a chatbot
create temp table bot as select chatbot_id from api.create_chatbot('org_m', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('org_m', chatbot_id) c;
create temp table asked as select row_number() over () as n, a.message_id from generate_series(1, 3) cross join talk cross join lateral api.begin_answer('org_m', chatbot_id, conversation_id, 'Hello?', 100, p_channel => 'widget') a;
create function pg_temp.counted() returns bigint language sql as $$ select used from app.chatbot_answers where account_id = 'org_m' $$;
create function pg_temp.settle(p_n bigint, p_metric text, p_amount bigint) returns boolean language sql as $$
  select s.allowed from asked cross join lateral api.settle_usage('org_m', 'answer:' || message_id || ':' || p_metric, p_amount) s where n = p_n
$$;
select is(pg_temp.counted(), 3::bigint, 'three answers count');
select is(pg_temp.settle(1, 'messages', 1), true, 'one is settled');
select is(pg_temp.counted(), 3::bigint, '… and counts');
select is(pg_temp.settle(2, 'llm_tokens', 0), true, 'the tokens of another are released');
select is(pg_temp.counted(), 3::bigint, '… which says nothing of the answer');
select is(array[pg_temp.settle(2, 'messages', 0), pg_temp.settle(2, 'messages', 0), pg_temp.settle(2, 'messages', 1)], array[true, true, false], 'its message is released, and again');
select is(pg_temp.counted(), 2::bigint, '… and is taken off the count once');
do $$ begin perform api.reserve_usage('org_m', 'messages', 1, 'by-hand', 900, chatbot_id, null, 'api', 'answer') from bot; perform api.settle_usage('org_m', 'by-hand', 0); end $$;
select is(pg_temp.counted(), 2::bigint, 'a reservation that is of no answer counts nowhere, and is taken off nowhere');
update app.chatbot_answers set used = 0 where account_id = 'org_m';
select is(pg_temp.settle(3, 'messages', 0), true, 'one is released though the count lost it');
select is(pg_temp.counted(), 0::bigint, '… which never goes below 0');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.settle_usage('org_j', 'answer-1', 1) $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.settle_usage('org_j', 'answer-1', 1) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.settle_usage('org_j', 'answer-1', 1) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.settle_usage('org_j', 'answer-1', 1) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
