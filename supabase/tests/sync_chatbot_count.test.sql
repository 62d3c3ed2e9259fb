-- sync_chatbot_count: what its docstring promises.
begin;
select plan(28);

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

-- Nothing to correct
select lives_ok(
  $$ select from unnest(array['org_a', 'org_b', 'org_c', 'org_d']) a cross join lateral api.check_and_increment_usage(a, 'messages');
     update app.accounts set plan = 'growth';
     insert into app.chatbots (account_id, name)
     select account_id, 'Bot ' || n from unnest(array['org_a', 'org_b', 'org_c']) account_id cross join generate_series(1, 3) n $$,
  'three accounts have 3 chatbots each, one has none');
select is_empty('select * from api.sync_chatbot_count()', 'where every gauge is right there is nothing to tell');
select is_empty($$ select * from api.sync_chatbot_count('org_none') $$, 'nor of an account that does not exist');
select is_empty($$ select from app.accounts where account_id = 'org_none' $$, 'which is not made');

-- Rows that came and went past the triggers
alter table app.chatbots disable trigger chatbots_move_gauge;
select lives_ok(
  $$ delete from app.chatbots where account_id = 'org_a' and name <> 'Bot 1';
     insert into app.chatbots (account_id, name) values ('org_b', 'Bot 4'), ('org_d', 'Bot 1'), ('org_d', 'Bot 2') $$,
  'a restore without triggers takes 2 chatbots of one account and gives others 1 and 2');
alter table app.chatbots enable trigger chatbots_move_gauge;
select results_eq(
  'select account_id, counted, actual from api.sync_chatbot_count(p_dry_run => true)',
  $$ values ('org_a', 3::bigint, 1::bigint), ('org_b', 3, 4), ('org_d', 0, 2) $$,
  'a dry run tells which accounts differ, and by how much');
select results_eq(
  $$ select account_id, used from app.counters where metric = 'chatbots' order by 1 $$,
  $$ values ('org_a', 3::bigint), ('org_b', 3), ('org_c', 3) $$,
  'and changes no gauge');
select is_empty($$ select from app.usage_events where reason = 'correction' $$, 'nor the ledger');
select results_eq(
  $$ select account_id, counted, actual from api.sync_chatbot_count('org_a') $$,
  $$ values ('org_a', 3::bigint, 1::bigint) $$,
  'one account may be corrected alone');
select results_eq(
  $$ select amount, occurred_at, window_start, reason, operation from app.usage_events where account_id = 'org_a' and reason = 'correction' $$,
  $$ values (-2::bigint, timestamptz '2026-03-10 09:00:00+00', timestamptz '-infinity', 'correction', 'sync_chatbot_count') $$,
  'the correction is a ledger entry');
select results_eq(
  'select account_id, counted, actual from api.sync_chatbot_count()',
  $$ values ('org_b', 3::bigint, 4::bigint), ('org_d', 0, 2) $$,
  'the others are corrected with all accounts');
select results_eq(
  $$ select account_id, used from app.counters where metric = 'chatbots' order by 1 $$,
  $$ values ('org_a', 1::bigint), ('org_b', 4), ('org_c', 3), ('org_d', 2) $$,
  'afterwards every gauge is the number of chatbots, also where there was no gauge yet');
select is_empty('select * from api.sync_chatbot_count()', 'a second run finds nothing');
select is_empty('select * from disagreements', 'every gauge is the sum of its ledger');
select lives_ok(
  $$ insert into app.chatbots (account_id, name) values ('org_d', 'Bot 3'); delete from app.chatbots where account_id = 'org_b' $$,
  'chatbots come and go as before');
select results_eq(
  $$ select account_id, used from app.counters where metric = 'chatbots' and account_id in ('org_b', 'org_d') order by 1 $$,
  $$ values ('org_b', 0::bigint), ('org_d', 3) $$,
  'and the corrected gauges move with them');

-- Above the quota
update app.accounts set plan = 'free' where account_id = 'org_d';
alter table app.chatbots disable trigger chatbots_move_gauge;
insert into app.chatbots (account_id, name) values ('org_d', 'Bot 4');
alter table app.chatbots enable trigger chatbots_move_gauge;
select is(
  (select (counted, actual)::text from api.sync_chatbot_count('org_d')), '(3,4)', 'a gauge is told as it is, even above the quota');

-- An owner's hand on the gauge
update app.counters set used = 7 where account_id = 'org_c' and metric = 'chatbots';
select is(
  (select (counted, actual)::text from api.sync_chatbot_count('org_c')), '(7,3)', 'a gauge moved by hand is corrected');
select is((select used from app.counters where account_id = 'org_c' and metric = 'chatbots'), 3::bigint, 'to the number of chatbots');
select is_empty('select * from disagreements', 'and is the sum of its ledger again');
select is_empty($$ select from app.usage_events where account_id = 'org_c' and reason = 'correction' $$, 'which said the right number all along, and gets no entry');
alter table app.chatbots disable trigger chatbots_move_gauge;
insert into app.chatbots (account_id, name) values ('org_c', 'Bot 4');
alter table app.chatbots enable trigger chatbots_move_gauge;
update app.counters set used = 1 where account_id = 'org_c' and metric = 'chatbots';
select is(
  (select (counted, actual)::text from api.sync_chatbot_count('org_c')), '(1,4)', 'a gauge moved by hand, where a restore brought a chatbot too, is corrected');
select is(
  (select amount from app.usage_events where account_id = 'org_c' and reason = 'correction'), 1::bigint, 'the entry brings the ledger, not the gauge, to the number of chatbots');
select is_empty('select * from disagreements', 'so that both agree');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.sync_chatbot_count('org_w') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.sync_chatbot_count('org_w') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.sync_chatbot_count('org_w') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select lives_ok($$ select * from api.sync_chatbot_count('org_w') $$, 'an operator may call it');
reset role;

select * from finish();
rollback;
