-- charge_up_to_quota: as much as the quota in force still allows, in one window.
begin;
select plan(23);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create temp view disagreements as
select account_id, metric, window_start, c.used, l.total
from app.counters c
full join (select account_id, metric, window_start, sum(amount) as total from app.usage_events group by 1, 2, 3) l
  using (account_id, metric, window_start)
where coalesce(c.used, 0) <> coalesce(l.total, 0);

create function pg_temp.charge(p_account_id text, p_amount bigint, p_window_start timestamptz default '2026-03-10 09:00:00+00')
returns bigint language sql as $$
  select app.charge_up_to_quota(p_account_id, 'messages', p_amount, p_window_start, null, null, null, null, null)
$$;
select pg_temp.travel_to('2026-03-10 09:00:00+00');
select lives_ok(
  $$ select from unnest(array['org_a', 'org_b', 'org_c']) a cross join lateral api.check_and_increment_usage(a, 'messages', 50) $$,
  'three accounts have used 50 of 100');

select is(
  app.charge_up_to_quota('org_a', 'messages', 20, '2026-03-10 09:00:00+00', 'r1', '00000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000002', 'widget', 'answer'), 20::bigint, 'what fits is charged whole');
select results_eq(
  $$ select amount, occurred_at, window_start, reason, request_id, chatbot_id, conversation_id, channel, operation
     from app.usage_events where account_id = 'org_a' order by id desc limit 1 $$,
  $$ values (20::bigint, timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-03-10 09:00:00+00', 'settle', 'r1',
             '00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'answer') $$,
  'the ledger row says how much, why and from where');
select is(pg_temp.charge('org_a', 29), 29::bigint, 'all but one unit');
select is(pg_temp.charge('org_a', 1000000000), 1::bigint, 'of a large amount only the last unit is charged');
select is(pg_temp.charge('org_a', 1), 0::bigint, 'at the quota nothing is charged');
select is((select used from app.counters where account_id = 'org_a'), 100::bigint, 'the counter never passes the quota');
select is((select count(*) from app.usage_events where account_id = 'org_a'), 4::bigint, 'nothing charged is nothing in the ledger');

update app.accounts set plan = 'starter' where account_id = 'org_a';
select is(pg_temp.charge('org_a', 2000), 1900::bigint, 'the quota is that of the plan in force');
update app.accounts set plan = 'free' where account_id = 'org_a';
select is(pg_temp.charge('org_a', 5), 0::bigint, 'above a lowered quota nothing is charged');
select is((select used from app.counters where account_id = 'org_a'), 2000::bigint, 'and nothing taken away');
update app.accounts set plan = 'enterprise' where account_id = 'org_b';
select is(pg_temp.charge('org_b', 1000000000), 1000000000::bigint, 'without a quota everything is charged');
delete from app.plan_quotas where plan = 'enterprise' and metric = 'messages';
select is(pg_temp.charge('org_b', 1), 0::bigint, 'without a row for the plan nothing is charged: only a row that says so makes a metric unlimited');
insert into app.plan_quotas values ('enterprise', 'messages', null);
update app.counters set used = 9007199254740990 where account_id = 'org_b';
insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
values ('org_b', 'messages', 9007199254740990 - 1000000050, app.clock(), '2026-03-10 09:00:00+00', 'correction');
select is(pg_temp.charge('org_b', 5), 1::bigint, 'as far as a JSON number is exact');

select pg_temp.travel_to('2026-04-11 00:00:00+00');
select lives_ok($$ select * from api.check_and_increment_usage('org_c', 'messages', 90) $$, 'an account uses its next window');
select is(pg_temp.charge('org_c', 60), 50::bigint, 'an ended window is charged up to the quota of its own');
select results_eq(
  $$ select window_start, used from app.counters where account_id = 'org_c' order by 1 $$,
  $$ values (timestamptz '2026-03-10 09:00:00+00', 100::bigint), ('2026-04-10 09:00:00+00', 90) $$, 'the current one is untouched');
select is(pg_temp.charge('org_c', 5, '2025-01-01 00:00:00+00'), 0::bigint, 'where there is no counter nothing is charged');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.charge_up_to_quota('org_w', 'messages', 1, now(), null, null, null, null, null) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.charge_up_to_quota('org_w', 'messages', 1, now(), null, null, null, null, null) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.charge_up_to_quota('org_w', 'messages', 1, now(), null, null, null, null, null) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.charge_up_to_quota('org_w', 'messages', 1, now(), null, null, null, null, null) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
