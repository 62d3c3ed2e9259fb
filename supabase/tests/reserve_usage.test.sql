-- reserve_usage: what its docstring promises.
begin;
select plan(51);

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

-- The decision
select results_eq(
  $$ select allowed, used, quota, remaining, resets_at, plan, replayed from api.reserve_usage('org_a', 'llm_tokens', 150000, 'answer-1') $$,
  $$ values (true, 150000::bigint, 200000::bigint, 50000::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', false) $$,
  'an estimate is charged before the work is done; an unknown account is made on its first use');
select is(
  (select (allowed, used, quota, remaining)::text from api.reserve_usage('org_a', 'llm_tokens', 50001, 'answer-2')), '(f,150000,200000,50000)',
  'an estimate beyond what is left is refused as data');
select is_empty(
  $$ select from app.usage_reservations where account_id = 'org_a' and request_id = 'answer-2' $$, 'a refused estimate reserves nothing');
select is(
  (select (allowed, used, remaining)::text from api.reserve_usage('org_a', 'llm_tokens', 50000, 'answer-3')), '(t,200000,0)',
  'what is left may be reserved to the last unit');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_a', 'llm_tokens')), '(f,200000)',
  'what is reserved is not there for others');
select is(
  (select (allowed, used, quota, resets_at)::text from api.reserve_usage('org_a', 'seats', 1, 'seat-1')), '(t,1,1,)',
  'a gauge that counts no rows can be reserved');
update app.accounts set plan = 'enterprise' where account_id = 'org_a';
select is(
  (select (allowed, used, quota, remaining)::text from api.reserve_usage('org_a', 'llm_tokens', 1000000000, 'answer-4')), '(t,1000200000,,)',
  'on an unlimited plan quota and remaining are null');
select results_eq(
  $$ select metric, amount, reason, request_id from app.usage_events where account_id = 'org_a' order by id $$,
  $$ values ('llm_tokens', 150000::bigint, 'reserve', 'answer-1'), ('llm_tokens', 50000, 'reserve', 'answer-3'),
            ('seats', 1, 'reserve', 'seat-1'), ('llm_tokens', 1000000000, 'reserve', 'answer-4') $$,
  'the ledger has what was reserved');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after reservations');

-- The reservation
select results_eq(
  $$ select metric, reserved, settled, overrun, status, window_start, created_at, expires_at from app.usage_reservations
     where account_id = 'org_a' and request_id = 'answer-1' $$,
  $$ values ('llm_tokens', 150000::bigint, null::bigint, 0::bigint, 'open', timestamptz '2026-03-10 09:00:00+00',
             timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:15:00+00') $$,
  'a reservation is open and expires after 15 minutes');
select lives_ok(
  $$ select * from api.reserve_usage('org_b', 'llm_tokens', 1, 'short', 1);
     select * from api.reserve_usage('org_b', 'llm_tokens', 1, 'long', 86400, '00000000-0000-4000-8000-000000000001',
       '00000000-0000-4000-8000-000000000002', 'widget', 'answer') $$,
  'an expiry may be from 1 second to a day');
select results_eq(
  $$ select request_id, expires_at, chatbot_id, conversation_id, channel, operation from app.usage_reservations
     where account_id = 'org_b' order by expires_at $$,
  $$ values ('short', timestamptz '2026-03-10 09:00:01+00', null::uuid, null::uuid, null::text, null::text),
            ('long', timestamptz '2026-03-11 09:00:00+00', '00000000-0000-4000-8000-000000000001'::uuid,
             '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'answer') $$,
  'a reservation keeps its expiry and its source');
select is(
  (select (chatbot_id, channel, operation)::text from app.usage_events where account_id = 'org_b' and request_id = 'long'),
  '(00000000-0000-4000-8000-000000000001,widget,answer)', 'the ledger row keeps the source');

-- Safe to repeat
select is(
  (select (allowed, used, replayed)::text from api.reserve_usage('org_c', 'llm_tokens', 100, 'answer-1')), '(t,100,f)', 'a first call reserves');
select pg_temp.travel_to('2026-03-10 09:10:00+00');
select is(
  (select (allowed, used, remaining, replayed)::text from api.reserve_usage('org_c', 'llm_tokens', 100, 'answer-1')), '(t,100,199900,t)',
  'a repeated call gets the first decision');
select is((select used from app.counters where account_id = 'org_c'), 100::bigint, 'and reserves nothing');
select is(
  (select expires_at from app.usage_reservations where account_id = 'org_c'), timestamptz '2026-03-10 09:15:00+00',
  'and does not prolong the reservation');
select is(
  (select (allowed, replayed)::text from api.reserve_usage('org_c', 'llm_tokens', 200000, 'answer-2')), '(f,f)', 'a first call is refused');
select lives_ok($$ select * from api.settle_usage('org_c', 'answer-1', 0) $$, 'the reservation is released meanwhile');
select is(
  (select (allowed, used, replayed)::text from api.reserve_usage('org_c', 'llm_tokens', 200000, 'answer-2')), '(f,100,t)',
  'a repeated call gets the first refusal, though it would fit now');
select is(
  (select (allowed, used, replayed)::text from api.reserve_usage('org_c', 'llm_tokens', 100, 'answer-1')), '(t,100,t)',
  'repeating a reservation that has ended gets the first decision');
select is((select used from app.counters where account_id = 'org_c'), 0::bigint, 'and reserves nothing again');
select throws_ok(
  $$ select * from api.reserve_usage('org_c', 'llm_tokens', 101, 'answer-1') $$, 'PY409', null,
  'the same request id with another amount is an error');
select throws_ok(
  $$ select * from api.reserve_usage('org_c', 'messages', 100, 'answer-1') $$, 'PY409', null,
  'the same request id for another metric is an error');
select lives_ok($$ select * from api.check_and_increment_usage('org_c', 'llm_tokens', 7, 'charge-1') $$, 'a request id is used for a charge');
select throws_ok(
  $$ select * from api.reserve_usage('org_c', 'llm_tokens', 7, 'charge-1') $$, 'PY409',
  'request id charge-1 was used for a charge of 7 llm_tokens; use another id for another request',
  'the request id of a charge cannot name a reservation, though all else is the same: there would be nothing to settle');
select throws_ok(
  $$ select * from api.reserve_usage('org_c', 'llm_tokens', 8, 'charge-1') $$, 'PY409', null, 'nor one of another amount');
select is_empty($$ select from app.usage_reservations where account_id = 'org_c' and request_id = 'charge-1' $$, 'and none is made');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after repeats');

-- Arguments
select throws_ok(
  $$ select * from api.reserve_usage('org_d', 'llm_tokens', 1, null) $$, 'PY004', 'request_id is required: it names the reservation to settle',
  'a reservation needs a request id');
select throws_ok(
  format($$ select * from api.reserve_usage('org_d', 'llm_tokens', 1, %s) $$, bad), 'PY004', 'request_id must have 1 to 255 characters',
  format('request id %s is an error', left(bad, 10)))
from unnest(array['''''', 'repeat(''x'', 256)']) bad;
select throws_ok(
  format($$ select * from api.reserve_usage('org_d', 'llm_tokens', 1, 'r', %s) $$, bad), 'PY004', 'expires_in_seconds must be from 1 to 86400',
  format('an expiry of %s seconds is an error', bad))
from unnest(array['0', '-1', '86401', 'null']) bad;
select throws_ok(
  format($$ select * from api.reserve_usage('org_d', 'llm_tokens', %s, 'r') $$, bad), 'PY003',
  format('amount must be a whole number from 1 to 1000000000, not %s', bad), format('amount %s is an error', bad))
from unnest(array['0', '-1', 'null', '1000000001']) bad;
select throws_ok($$ select * from api.reserve_usage('org_d', 'tea', 1, 'r') $$, 'PY001', 'unknown metric ''tea''', 'an unknown metric is an error');
select throws_ok(
  $$ select * from api.reserve_usage('org_d', 'chatbots', 1, 'r') $$, 'PY410', null, 'a gauge that counts rows cannot be reserved');
select throws_ok(
  $$ select * from api.reserve_usage('org_d', 'llm_tokens', 1, 'r', p_channel => 'email') $$, 'PY004',
  'channel must be playground, widget or api, not ''email''', 'an unknown channel is an error');
select throws_ok(
  format($$ select * from api.reserve_usage(%s, 'llm_tokens', 1, 'r') $$, bad), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;
select is_empty($$ select from app.accounts where account_id = 'org_d' $$, 'a call with a bad argument leaves no account behind');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.reserve_usage('org_w', 'llm_tokens', 1, 'same') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.reserve_usage('org_w', 'llm_tokens', 1, 'same') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.reserve_usage('org_w', 'llm_tokens', 1, 'same') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.reserve_usage('org_w', 'llm_tokens', 1, 'same') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
