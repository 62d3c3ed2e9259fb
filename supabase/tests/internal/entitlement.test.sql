-- entitlement: plan in force, quota and window of an account, now.
begin;
select plan(30);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
select pg_temp.travel_to('2026-01-31 23:30:00+00');

-- An account that does not exist yet
select results_eq(
  $$ select plan, kind, quota, window_start, resets_at from app.entitlement('org_new', 'messages') $$,
  $$ values ('free', 'counter', 100::bigint, timestamptz '2026-01-31 23:30:00+00', timestamptz '2026-02-28 23:30:00+00') $$,
  'it is entitled as a new account on plan free');
select is_empty($$ select from app.accounts where account_id = 'org_new' $$, 'and is not made');
select results_eq(
  $$ select plan, kind, quota, window_start, resets_at from app.entitlement('org_new', 'chatbots') $$,
  $$ values ('free', 'gauge', 1::bigint, timestamptz '-infinity', null::timestamptz) $$,
  'a gauge has one window for ever and never resets');

-- The window follows from the anchor
select lives_ok($$ select app.ensure_account('org_a') $$, 'an account is made on 31 January');
select pg_temp.travel_to('2026-02-28 23:29:59.999999+00');
select is((select window_start from app.entitlement('org_a', 'messages')), timestamptz '2026-01-31 23:30:00+00', 'its first window runs to its last microsecond');
select pg_temp.travel_to('2026-02-28 23:30:00+00');
select results_eq(
  $$ select window_start, resets_at from app.entitlement('org_a', 'messages') $$,
  $$ values (timestamptz '2026-02-28 23:30:00+00', timestamptz '2026-03-31 23:30:00+00') $$,
  'then the next begins; it ends on 31 March');
update app.accounts set anchor = '2026-03-15 00:00:00+00' where account_id = 'org_a';
select results_eq(
  $$ select window_start, resets_at from app.entitlement('org_a', 'messages') $$,
  $$ values (timestamptz '2026-02-15 00:00:00+00', timestamptz '2026-03-15 00:00:00+00') $$,
  'the anchor may lie ahead');

-- The plan in force
update app.accounts set plan = 'growth' where account_id = 'org_a';
select is((select (plan, quota)::text from app.entitlement('org_a', 'messages')), '(growth,10000)', 'the quota is that of the account''s plan');
select is((select (plan, quota)::text from app.entitlement('org_a', 'chatbots')), '(growth,10)', 'for gauges, too');
update app.accounts set plan_ends_at = '2026-03-01 00:00:00+00' where account_id = 'org_a';
select is((select plan from app.entitlement('org_a', 'messages')), 'growth', 'a plan that ends is in force');
select pg_temp.travel_to('2026-02-28 23:59:59.999999+00');
select is((select plan from app.entitlement('org_a', 'messages')), 'growth', 'until its last microsecond');
select pg_temp.travel_to('2026-03-01 00:00:00+00');
select is((select (plan, quota)::text from app.entitlement('org_a', 'messages')), '(free,100)', 'then the account is entitled as plan free');
update app.accounts set plan = 'enterprise', plan_ends_at = null where account_id = 'org_a';
select is((select (plan, kind, quota)::text from app.entitlement('org_a', 'messages')), '(enterprise,counter,)', 'an unlimited quota is null');
update app.plan_quotas set quota = 0 where plan = 'enterprise' and metric = 'messages';
select is((select quota from app.entitlement('org_a', 'messages')), 0::bigint, 'a quota of 0 is 0, not unlimited');

-- A quota nobody gave
delete from app.plan_quotas where plan = 'enterprise' and metric = 'messages';
select is((select (plan, kind, quota)::text from app.entitlement('org_a', 'messages')), '(enterprise,counter,0)', 'a plan without a row for the metric gives nothing: only a row that says so makes it unlimited');

-- An unknown metric
select is((select kind from app.entitlement('org_a', 'tea')), null, 'an unknown metric has no kind');
select is((select count(*) from app.entitlement('org_a', 'tea')), 1::bigint, 'but a row');
select is((select kind from app.entitlement('org_a', null)), null, 'no metric has no kind either');
select is((select (plan, quota)::text from app.entitlement(null, 'messages')), '(free,100)', 'no account is entitled as a new one');

-- A downgrade that is scheduled, a closed account
select pg_temp.travel_to('2026-03-02 00:00:00+00');
do $$ begin perform app.ensure_account('org_down'); end $$;
update app.accounts set plan = 'growth', pending_plan = 'starter' where account_id = 'org_down';
select is((select (plan, quota)::text from app.entitlement('org_down', 'chatbots')), '(growth,3)', 'levels are held to the smaller plan a downgrade is scheduled for');
select is((select (plan, quota)::text from app.entitlement('org_down', 'messages')), '(growth,10000)', '… what is used up is not');
update app.accounts set plan = 'enterprise' where account_id = 'org_down';
select is((select quota from app.entitlement('org_down', 'chatbots')), 3::bigint, '… also where the plan in force has no bound');
update app.accounts set plan = 'starter', pending_plan = 'enterprise' where account_id = 'org_down';
select is((select quota from app.entitlement('org_down', 'chatbots')), 3::bigint, 'a larger plan to come gives nothing in advance');
update app.accounts set pending_plan = null, closed_at = now() where account_id = 'org_down';
select results_eq($$ select e.plan, e.quota from unnest(array['messages', 'chatbots']) m cross join lateral app.entitlement('org_down', m) e $$, $$ values ('starter', 0::bigint), ('starter', 0) $$,
  'a closed account may use nothing');
update app.accounts set plan = 'enterprise' where account_id = 'org_down';
select is((select quota from app.entitlement('org_down', 'messages')), 0::bigint, '… also where its plan has no bound');

-- By the clock of India
update app.accounts set closed_at = null, anchor = '2026-01-30 18:30:00+00', anchor_offset = '5:30', counts_from = '2026-01-30 18:30:00+00' where account_id = 'org_down';
select results_eq($$ select window_start, resets_at from app.entitlement('org_down', 'messages') $$, $$ values (timestamptz '2026-02-27 18:30:00+00', timestamptz '2026-03-30 18:30:00+00') $$,
  'windows go by the clock of the processor');

-- Who may call it
set local role operator;
select is((select plan from app.entitlement('org_a', 'messages')), 'enterprise', 'an operator may call it');
set local role authenticated;
select throws_ok($$ select app.entitlement('org_a', 'messages') $$, '42501', 'permission denied for function entitlement', 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.entitlement('org_a', 'messages') $$, '42501', null, 'a visitor may not call it');
set local role service_role;
select throws_ok($$ select app.entitlement('org_a', 'messages') $$, '42501', null, 'the server may not call it');
reset role;

select * from finish();
rollback;
