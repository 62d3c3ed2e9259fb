-- decrement_usage: what its docstring promises.
begin;
select plan(77);

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

-- Without a request id
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'messages', 50) $$, 'an account has used 50 of 100');
select results_eq(
  $$ select allowed, used, quota, remaining, resets_at, plan, replayed from api.decrement_usage('org_a', 'messages', 20) $$,
  $$ values (true, 30::bigint, 100::bigint, 70::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', false) $$,
  'units given back can be used again');
select is((select used from api.decrement_usage('org_a', 'messages')), 29::bigint, 'without an amount 1 unit is given back');
select is((select used from api.decrement_usage('org_a', 'messages')), 28::bigint, 'without a request id every call gives back');
select is(
  (select (allowed, used, remaining)::text from api.decrement_usage('org_a', 'messages', 1000000000)), '(t,0,100)',
  'giving back more than was used ends at 0');
select is(
  (select (allowed, used, remaining)::text from api.decrement_usage('org_a', 'messages', 5)), '(t,0,100)',
  'giving back where nothing is used changes nothing');
select results_eq(
  $$ select amount, reason from app.usage_events where account_id = 'org_a' order by id $$,
  $$ values (50::bigint, 'charge'), (-20, 'return'), (-1, 'return'), (-1, 'return'), (-28, 'return') $$,
  'the ledger says what was really given back, and nothing where nothing was');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_a', 'messages', 101)), '(f,0)',
  'giving back more than was used adds nothing to the quota');
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'seats') $$, 'a gauge is at its quota');
select is(
  (select (allowed, used, quota, remaining, resets_at)::text from api.decrement_usage('org_a', 'seats')), '(t,0,1,1,)',
  'a gauge can be given back; it has no reset');
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.decrement_usage('org_new', 'messages', 3)), '(t,0,100,100,free,f)',
  'giving back for an unknown account makes it and changes nothing');
select is((select count(*) from app.accounts where account_id = 'org_new'), 1::bigint, 'the account is there afterwards');
select is_empty($$ select from app.usage_events where account_id = 'org_new' $$, 'and has an empty ledger');
update app.accounts set plan = 'enterprise' where account_id = 'org_new';
select is(
  (select (used, quota, remaining)::text from api.decrement_usage('org_new', 'messages', 3)), '(0,,)', 'unlimited is null here too');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after give-backs');

-- A charge given back
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_b', 'messages', 10, 'charge-1');
     select * from api.check_and_increment_usage('org_b', 'messages', 40, 'charge-2') $$,
  'an account is charged 10 and 40');
select is(
  (select (allowed, used, remaining, replayed)::text from api.decrement_usage('org_b', 'messages', 25, 'charge-1')), '(t,40,60,f)',
  'never more is given back than the charge took');
select is(
  (select (allowed, used, remaining, replayed)::text from api.decrement_usage('org_b', 'messages', 15, 'charge-2')), '(t,25,75,f)',
  'a charge may be given back in part');
select is(
  (select (allowed, used, quota, remaining, plan, replayed)::text from api.decrement_usage('org_b', 'messages', 25, 'charge-1')),
  '(t,40,100,60,free,t)', 'a repeated give-back gets the first answer');
select is((select used from app.counters where account_id = 'org_b'), 25::bigint, 'and gives nothing back');
select throws_ok(
  $$ select * from api.decrement_usage('org_b', 'messages', 16, 'charge-2') $$, 'PY409', 'request id charge-2 already gave back 15 of messages',
  'a second give-back of another amount for one charge is an error');
select throws_ok(
  $$ select * from api.decrement_usage('org_b', 'api_calls', 15, 'charge-2') $$, 'PY409', 'request id charge-2 already gave back 15 of messages',
  'so is one of another metric');
select lives_ok($$ select * from api.check_and_increment_usage('org_metric', 'messages', 15, 'charge-1') $$, 'an account is charged');
select throws_ok(
  $$ select * from api.decrement_usage('org_metric', 'api_calls', 15, 'charge-1') $$, 'PY409', 'request id charge-1 was used for metric messages',
  'a give-back of another metric than was charged is an error');
select is_empty($$ select from app.usage_returns where account_id = 'org_metric' $$, 'and does not use the id up');
select is(
  (select (allowed, used, replayed)::text from api.decrement_usage('org_metric', 'messages', 15, 'charge-1')), '(t,0,f)',
  'so that the right one is still taken');
select is(
  (select (allowed, used, replayed)::text from api.check_and_increment_usage('org_b', 'messages', 10, 'charge-1')), '(t,10,t)',
  'repeating a charge that was given back gets the first decision');
select is((select used from app.counters where account_id = 'org_b'), 25::bigint, 'and does not charge again');
select results_eq(
  $$ select amount, reason, request_id from app.usage_events where account_id = 'org_b' order by id $$,
  $$ values (10::bigint, 'charge', 'charge-1'), (40, 'charge', 'charge-2'), (-10, 'return', 'charge-1'), (-15, 'return', 'charge-2') $$,
  'the ledger ties each give-back to its charge');
select is(
  (select (allowed, used)::text from api.check_and_increment_usage('org_b', 'messages', 76, 'refused')), '(f,25)', 'a request is refused');
select is(
  (select (allowed, used, remaining, replayed)::text from api.decrement_usage('org_b', 'messages', 76, 'refused')), '(t,25,75,f)',
  'giving back a refused request gives back nothing: it took nothing');
select is((select used from app.counters where account_id = 'org_b'), 25::bigint, 'the counter stays');
select lives_ok($$ select * from api.check_and_increment_usage('org_c', 'messages', 10, 'charge-1') $$, 'another account uses the same request id');
select is(
  (select used from api.decrement_usage('org_c', 'messages', 10, 'charge-1')), 0::bigint, 'a request id names the charge of its own account');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_c', 'messages', 30, 'charge-2');
     select * from api.decrement_usage('org_c', 'messages', 20);
     select * from api.decrement_usage('org_c', 'messages', 30, 'charge-2') $$,
  'a charge is given back after part of it went back without its id');
select is((select used from app.counters where account_id = 'org_c'), 0::bigint, 'the counter ends at 0, not below');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after charges were given back');

-- A request id that names no charge
select lives_ok($$ select * from api.check_and_increment_usage('org_d', 'messages', 50) $$, 'an account has used 50');
select is(
  (select (allowed, used, remaining, replayed)::text from api.decrement_usage('org_d', 'messages', 20, 'return-1')), '(t,30,70,f)',
  'a request id that names no charge is the id of this give-back');
select is(
  (select (allowed, used, remaining, replayed)::text from api.decrement_usage('org_d', 'messages', 20, 'return-1')), '(t,30,70,t)',
  'which may be repeated safely');
select is((select used from app.counters where account_id = 'org_d'), 30::bigint, 'and counts once');
select throws_ok(
  $$ select * from api.decrement_usage('org_d', 'messages', 21, 'return-1') $$, 'PY409', 'request id return-1 already gave back 20 of messages',
  'the same id with another amount is an error');
select throws_ok(
  $$ select * from api.decrement_usage('org_d', 'api_calls', 20, 'return-1') $$, 'PY409', 'request id return-1 already gave back 20 of messages',
  'the same id with another metric is an error');
update app.accounts set plan = 'enterprise' where account_id = 'org_d';
select is(
  (select (used, quota, remaining, plan)::text from api.decrement_usage('org_d', 'messages', 1, 'return-2')), '(29,,,enterprise)',
  'with a request id, too, unlimited is null');
select is(
  (select (used, quota, remaining, plan, replayed)::text from api.decrement_usage('org_d', 'messages', 1, 'return-2')), '(29,,,enterprise,t)',
  'and stays null when repeated');

-- A give-back that came before the charge of its id stays the answer to that id
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_late', 'messages', 50); select * from api.decrement_usage('org_late', 'messages', 30, 'late-1') $$,
  'units are given back before the charge of their id arrives');
select throws_ok(
  $$ select * from api.check_and_increment_usage('org_late', 'messages', 30, 'late-1') $$, 'PY409', null, 'the charge that comes late is refused as an error');
select is(
  (select (allowed, used, replayed)::text from api.decrement_usage('org_late', 'messages', 30, 'late-1')), '(t,20,t)',
  'the give-back repeated tells what it gave and left, as the counter says');
select is((select used from app.counters where account_id = 'org_late'), 20::bigint, 'nothing moved meanwhile');

-- After the window has rolled over
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_e', 'messages', 60, 'march-1');
     select * from api.check_and_increment_usage('org_e', 'messages', 30, 'march-2') $$,
  'an account is charged in one window');
select pg_temp.travel_to('2026-04-10 09:00:00+00');
select lives_ok($$ select * from api.check_and_increment_usage('org_e', 'messages', 5, 'april-1') $$, 'and in the next');
select results_eq(
  $$ select allowed, used, quota, remaining, resets_at, replayed from api.decrement_usage('org_e', 'messages', 60, 'march-1') $$,
  $$ values (true, 30::bigint, 100::bigint, 70::bigint, null::timestamptz, false) $$,
  'a charge of an ended window goes back there: used is what is left in that window, which resets no more');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_e' order by 1 $$,
  $$ values (timestamptz '2026-03-10 09:00:00+00', 30::bigint), (timestamptz '2026-04-10 09:00:00+00', 5::bigint) $$,
  'the counter of the current window is untouched');
select is(
  (select used from api.decrement_usage('org_e', 'messages', 50)), 0::bigint, 'without a request id units go back into the current window');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_e' order by 1 $$,
  $$ values (timestamptz '2026-03-10 09:00:00+00', 30::bigint), (timestamptz '2026-04-10 09:00:00+00', 0::bigint) $$,
  'and never into the one before');
select results_eq(
  $$ select occurred_at, window_start, amount from app.usage_events where account_id = 'org_e' and request_id = 'march-1' and amount < 0 $$,
  $$ values (timestamptz '2026-04-10 09:00:00+00', timestamptz '2026-03-10 09:00:00+00', -60::bigint) $$,
  'the ledger tells both when it was given back and into which window');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger in every window');

-- Reservations are settled, not given back
select lives_ok($$ select * from api.reserve_usage('org_f', 'llm_tokens', 500, 'answer-1') $$, 'an estimate is reserved');
select throws_ok(
  $$ select * from api.decrement_usage('org_f', 'llm_tokens', 500, 'answer-1') $$, 'PY409',
  'request id answer-1 is a reservation: settle it instead', 'a reservation cannot be given back');

-- Arguments
select throws_ok(
  format($$ select * from api.decrement_usage('org_g', 'messages', %s) $$, bad), 'PY003',
  format('amount must be a whole number from 1 to 1000000000, not %s', bad), format('amount %s is an error', bad))
from unnest(array['0', '-1', 'null', '1000000001']) bad;
select throws_ok($$ select * from api.decrement_usage('org_g', 'tea') $$, 'PY001', 'unknown metric ''tea''', 'an unknown metric is an error');
select throws_ok($$ select * from api.decrement_usage('org_g', null) $$, 'PY001', 'unknown metric null', 'no metric is an error');
select throws_ok(
  format($$ select * from api.decrement_usage('org_g', %L) $$, metric), 'PY410',
  format('metric %s moves with its rows: insert or delete them instead', metric), format('the gauge %s cannot be moved by hand', metric))
from unnest(array['chatbots', 'storage_bytes']) metric;
select throws_ok(
  format($$ select * from api.decrement_usage('org_g', 'messages', 1, %s) $$, bad), 'PY004', 'request_id must have 1 to 255 characters',
  format('request id %s is an error', left(bad, 10)))
from unnest(array['''''', 'repeat(''x'', 256)']) bad;
select throws_ok(
  format($$ select * from api.decrement_usage(%s, 'messages') $$, bad), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;
select is_empty($$ select from app.accounts where account_id = 'org_g' $$, 'a call with a bad argument leaves no account behind');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.decrement_usage('org_w', 'messages') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.decrement_usage('org_w', 'messages') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.decrement_usage('org_w', 'messages') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.decrement_usage('org_w', 'messages') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
