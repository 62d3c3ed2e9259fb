-- complete_plan_quotas keeps plan_quotas complete, so that adding a plan or a metric is one row.
create or replace function app.complete_plan_quotas()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- A plan and a metric added at once would each miss the other.
  lock table app.plan_quotas in share row exclusive mode;
  insert into app.plan_quotas (plan, metric, quota)
  select p.plan, m.metric, m.default_quota
  from app.plans p
  cross join app.metrics m
  on conflict (plan, metric) do nothing;
  return null;
end
$$;

comment on function app.complete_plan_quotas() is
  'Trigger: a new plan gets a quota for every metric, a new metric for every plan: the metric''s default.';
revoke all on function app.complete_plan_quotas() from public, anon, authenticated, service_role;
create or replace trigger complete_plan_quotas after insert on app.plans
  for each row execute function app.complete_plan_quotas();
create or replace trigger complete_plan_quotas after insert on app.metrics
  for each row execute function app.complete_plan_quotas();
