-- release_expired_reservations: what its docstring promises.
begin;
select plan(36);

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

-- What has expired
select lives_ok(
  $$ select * from api.reserve_usage('org_a', 'llm_tokens', 1000, 'first', 60);
     select * from api.reserve_usage('org_a', 'llm_tokens', 500, 'second', 120);
     select * from api.reserve_usage('org_b', 'messages', 3, 'first', 90);
     select * from api.reserve_usage('org_b', 'messages', 4, 'settled', 60);
     select * from api.settle_usage('org_b', 'settled', 4);
     select * from api.reserve_usage('org_b', 'messages', 5, 'released', 60);
     select * from api.settle_usage('org_b', 'released', 0) $$,
  'reservations are made, some of them ended');
select is_empty('select * from api.release_expired_reservations()', 'an open reservation is kept until it expires');
select pg_temp.travel_to('2026-03-10 09:00:59.999999+00');
select is_empty('select * from api.release_expired_reservations()', 'to the last microsecond');
select pg_temp.travel_to('2026-03-10 09:01:00+00');
select results_eq(
  'select account_id, request_id, metric, released from api.release_expired_reservations()',
  $$ values ('org_a', 'first', 'llm_tokens', 1000::bigint) $$,
  'it is released as soon as it has expired; settled and released ones are left alone');
select results_eq(
  $$ select metric, used from app.counters where account_id in ('org_a', 'org_b') order by 1 $$,
  $$ values ('llm_tokens', 500::bigint), ('messages', 7::bigint) $$,
  'what it held is given back');
select is(
  (select (status, settled, overrun)::text from app.usage_reservations where account_id = 'org_a' and request_id = 'first'),
  '(released,0,0)', 'the reservation is released');
select is(
  (select (amount, reason)::text from app.usage_events where account_id = 'org_a' and request_id = 'first' and amount < 0),
  '(-1000,release)', 'the ledger says so');
select is_empty('select * from api.release_expired_reservations()', 'it is released once');
select is(
  (select (allowed, used, replayed)::text from api.settle_usage('org_a', 'first', 800)), '(f,500,t)',
  'work that ends after its release costs nothing');
select pg_temp.travel_to('2026-03-10 10:00:00+00');
select results_eq(
  'select account_id, request_id from api.release_expired_reservations()',
  $$ values ('org_a', 'second'), ('org_b', 'first') $$,
  'those of all accounts are released, in the order in which everybody locks counters');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after releases');

-- After the window has rolled over
select lives_ok($$ select * from api.reserve_usage('org_c', 'messages', 30, 'march', 86400) $$, 'a reservation is made in March');
select pg_temp.travel_to('2026-05-01 00:00:00+00');
select lives_ok($$ select * from api.check_and_increment_usage('org_c', 'messages', 2) $$, 'the account uses its April window');
select is((select released from api.release_expired_reservations()), 30::bigint, 'the reservation is released');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_c' order by 1 $$,
  $$ values (timestamptz '2026-03-10 10:00:00+00', 0::bigint), (timestamptz '2026-04-10 10:00:00+00', 2::bigint) $$,
  'into the window that was charged');

-- The answer it was for
select lives_ok(
  $$ insert into app.chatbots (account_id, id, name) values ('org_d', '00000000-0000-4000-8000-000000000001', 'Bot');
     insert into app.conversations (account_id, id, chatbot_id, channel)
     values ('org_d', '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'api');
     insert into app.messages (account_id, id, conversation_id, role, status, content, finished_at) values
       ('org_d', '00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002', 'assistant', 'streaming', 'Half an', null),
       ('org_d', '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000002', 'assistant', 'complete', 'Done', app.clock()),
       ('org_d', '00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000002', 'assistant', 'streaming', 'Running', null);
     select app.reserve('org_d', 'llm_tokens', 100, 'streaming', 60, '00000000-0000-4000-8000-000000000003', null, null, null, null);
     select app.reserve('org_d', 'llm_tokens', 100, 'complete', 61, '00000000-0000-4000-8000-000000000004', null, null, null, null);
     select app.reserve('org_d', 'llm_tokens', 100, 'deleted', 62, '00000000-0000-4000-8000-000000000009', null, null, null, null);
     select app.reserve('org_d', 'llm_tokens', 100, 'running', 3600, '00000000-0000-4000-8000-000000000005', null, null, null, null) $$,
  'answers hold reservations');
select pg_temp.travel_to('2026-05-01 00:30:00+00');
select results_eq(
  'select request_id from api.release_expired_reservations()', array['complete', 'deleted', 'streaming'],
  'reservations of answers are released, also where the answer is deleted');
select results_eq(
  $$ select content, status, error, finished_at from app.messages where account_id = 'org_d' order by id $$,
  $$ values ('Half an', 'failed', 'the answer was interrupted', timestamptz '2026-05-01 00:30:00+00'),
            ('Done', 'complete', null, timestamptz '2026-05-01 00:00:00+00'),
            ('Running', 'streaming', null, null) $$,
  'an answer left streaming fails; a finished or running one is left alone');

-- The limit
select lives_ok(
  $$ select * from api.reserve_usage('org_g', 'messages', 1, 'third', 62);
     select * from api.reserve_usage('org_g', 'api_calls', 1, 'second', 61);
     select * from api.reserve_usage('org_z', 'messages', 1, 'first', 60) $$,
  'three reservations expire one after the other, in another order than that of their accounts and metrics');
select pg_temp.travel_to('2026-05-01 00:32:00+00');
select results_eq(
  'select account_id, request_id from api.release_expired_reservations(1)', $$ values ('org_z', 'first') $$, 'a limit takes the longest expired');
select results_eq(
  'select account_id, metric from api.release_expired_reservations(2)', $$ values ('org_g', 'api_calls'), ('org_g', 'messages') $$, 'then the next, by account and metric');
select lives_ok(
  $$ select r.allowed from generate_series(1, 101) n cross join lateral api.reserve_usage('org_e', 'api_calls', 1, 'r' || n, 60) r $$,
  '101 reservations are made');
select pg_temp.travel_to('2026-05-01 00:40:00+00');
select is((select count(*) from api.release_expired_reservations(1)), 1::bigint, 'the limit is the most that one call releases');
select is((select count(*) from api.release_expired_reservations(2)), 2::bigint, 'the next call goes on');
select is((select count(*) from api.release_expired_reservations(1000)), 98::bigint, 'until none is left');
select lives_ok(
  $$ select r.allowed from generate_series(1, 101) n cross join lateral api.reserve_usage('org_f', 'api_calls', 1, 'r' || n, 60) r $$,
  'another 101 reservations are made');
select pg_temp.travel_to('2026-05-01 00:50:00+00');
select is((select count(*) from api.release_expired_reservations()), 100::bigint, 'without a limit one call releases 100');
select throws_ok(
  format('select * from api.release_expired_reservations(%s)', bad), 'PY004', 'limit must be from 1 to 1000', format('limit %s is an error', bad))
from unnest(array['0', '-1', '1001', 'null']) bad;
select is_empty('select * from disagreements', 'every counter is the sum of its ledger at the end');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.release_expired_reservations() $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.release_expired_reservations() $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.release_expired_reservations() $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.release_expired_reservations() $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
