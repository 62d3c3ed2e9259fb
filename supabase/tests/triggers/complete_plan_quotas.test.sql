-- complete_plan_quotas: adding a plan or a metric to the catalog is one row.
begin;
select plan(15);

-- A plan
update app.metrics set default_quota = 200000 where metric = 'llm_tokens';
select lives_ok($$ insert into app.plans (plan, name, position) values ('team', 'Team', 9) $$, 'a plan is added by one row');
select results_eq(
  $$ select m.metric, q.quota from app.metrics m left join app.plan_quotas q on q.metric = m.metric and q.plan = 'team' order by m.position $$,
  $$ values ('messages', 100::bigint), ('llm_tokens', 200000), ('api_calls', 1000), ('chatbots', 1), ('storage_bytes', 10000000), ('seats', 1) $$,
  'it gives each metric its default quota');
select is((select quota from app.plan_quotas where plan = 'starter' and metric = 'messages'), 2000::bigint, 'the quotas of other plans stay');
select is((select count(*) from app.plan_quotas where plan = 'enterprise' and quota is null), 6::bigint, 'unlimited ones too');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'messages'); update app.accounts set plan = 'team' where account_id = 'org_a' $$,
  'an account may have the plan at once');
select is((select (allowed, used, quota, plan)::text from api.check_and_increment_usage('org_a', 'seats')), '(t,1,1,team)', 'and is decided by it');

-- A metric
select lives_ok(
  $$ insert into app.metrics (metric, kind, position, title, unit, default_quota, over_quota_message)
     values ('voice_minutes', 'counter', 7, 'Voice', 'minute', 30, 'Please wait until %s minute(s) fit again') $$,
  'a metric is added by one row');
select results_eq(
  $$ select p.plan, q.quota from app.plans p left join app.plan_quotas q on q.plan = p.plan and q.metric = 'voice_minutes' order by p.position $$,
  $$ values ('free', 30::bigint), ('starter', 30), ('growth', 30), ('enterprise', 30), ('team', 30) $$,
  'every plan gives its default quota');
select is(
  (select (allowed, used, quota, remaining)::text from api.check_and_increment_usage('org_a', 'voice_minutes', 30)), '(t,30,30,0)', 'it is counted at once');
select is((select allowed from api.check_and_increment_usage('org_a', 'voice_minutes')), false, 'and limited');
select lives_ok(
  $$ insert into app.metrics (metric, kind, position, title, unit, default_quota, over_quota_message)
     values ('exports', 'counter', 8, 'Exports', 'export', null, 'Please wait until %s export(s) fit again') $$,
  'a metric without a default quota is added');
select is((select count(*) from app.plan_quotas where metric = 'exports' and quota is null), 5::bigint, 'it is unlimited on every plan');
select is_empty(
  $$ select p.plan, m.metric from app.plans p cross join app.metrics m
     where not exists (select from app.plan_quotas q where q.plan = p.plan and q.metric = m.metric) $$,
  'every plan has a quota for every metric');
select lives_ok(
  $$ insert into app.plans (plan, name, position) values ('large', 'Large', 10), ('larger', 'Larger', 11) $$, 'several plans may be added at once');
select is((select count(*) from app.plan_quotas where plan in ('large', 'larger')), 16::bigint, 'each is complete');

select * from finish();
rollback;
