-- reserve: what its docstring adds to reserve_usage: the answer an estimate is for.
begin;
select plan(22);

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
select results_eq(
  $$ select * from app.reserve('org_a', 'llm_tokens', 1000, 'answer-1', 60, '00000000-0000-4000-8000-000000000009',
       '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 'widget', 'answer') $$,
  $$ values (true, 1000::bigint, 200000::bigint, 199000::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', false) $$,
  'an estimate is decided');
select results_eq(
  $$ select request_id, metric, window_start, reserved, settled, overrun, status, message_id, chatbot_id, conversation_id, channel, operation,
            created_at, expires_at from app.usage_reservations where account_id = 'org_a' $$,
  $$ values ('answer-1', 'llm_tokens', timestamptz '2026-03-10 09:00:00+00', 1000::bigint, null::bigint, 0::bigint, 'open',
             '00000000-0000-4000-8000-000000000009'::uuid, '00000000-0000-4000-8000-000000000001'::uuid,
             '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'answer',
             timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:01:00+00') $$,
  'the reservation keeps the answer it is for');
select is(
  (select (allowed, used, replayed)::text from app.reserve('org_a', 'llm_tokens', 1000, 'answer-1', 60, null, null, null, null, null)), '(t,1000,t)',
  'a repeat gets the first decision');
select is((select count(*) from app.usage_reservations), 1::bigint, 'and makes no second reservation');
select is(
  (select (allowed, used, replayed)::text from app.reserve('org_a', 'llm_tokens', 199001, 'answer-2', 60, null, null, null, null, null)), '(f,1000,f)',
  'an estimate beyond what is left is refused');
select is((select count(*) from app.usage_reservations), 1::bigint, 'and makes no reservation');
update app.accounts set plan = 'enterprise' where account_id = 'org_a';
select is(
  (select (allowed, used, quota, remaining)::text from app.reserve('org_a', 'llm_tokens', 1, 'answer-3', 60, null, null, null, null, null)), '(t,1001,,)',
  'unlimited is null');
select throws_ok(
  format($$ select app.reserve(%s, null, null, null, null, null) $$, bad.arguments), bad.code, null, format('%s is an error', bad.what))
from (values
  ($$'org_a', 'llm_tokens', 1, null, 60$$, 'PY004', 'no request id'),
  ($$'org_a', 'llm_tokens', 1, '', 60$$, 'PY004', 'an empty request id'),
  ($$'org_a', 'llm_tokens', 1, 'r', 0$$, 'PY004', 'an expiry of 0 seconds'),
  ($$'org_a', 'llm_tokens', 1, 'r', 86401$$, 'PY004', 'an expiry of more than a day'),
  ($$'org_a', 'llm_tokens', 1, 'r', null$$, 'PY004', 'no expiry'),
  ($$'org_a', 'llm_tokens', 0, 'r', 60$$, 'PY003', 'an amount of 0'),
  ($$'org_a', 'tea', 1, 'r', 60$$, 'PY001', 'an unknown metric'),
  ($$'org_a', 'chatbots', 1, 'r', 60$$, 'PY410', 'a gauge that counts rows'),
  ($$'org_a', 'llm_tokens', 2, 'answer-1', 60$$, 'PY409', 'a request id used with another amount'),
  ($$'', 'llm_tokens', 1, 'r', 60$$, 'PY004', 'an empty account id')) bad (arguments, code, what);
select is_empty('select * from disagreements', 'every counter is the sum of its ledger');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.reserve('org_w', 'llm_tokens', 1, 'r', 900, null, null, null, null, null) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.reserve('org_w', 'llm_tokens', 1, 'r', 900, null, null, null, null, null) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.reserve('org_w', 'llm_tokens', 1, 'r', 900, null, null, null, null, null) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.reserve('org_w', 'llm_tokens', 1, 'r', 900, null, null, null, null, null) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
