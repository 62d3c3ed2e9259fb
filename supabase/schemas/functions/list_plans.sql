-- list_plans lists the plans and what each gives of every metric.
--
-- Returns: one row per plan and metric, in catalog order; quota null = unlimited
create or replace function api.list_plans()
returns table (plan text, name text, "position" integer, metric text, kind text, unit text, title text, quota bigint)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select p.plan, p.name, p.position, m.metric, m.kind, m.unit, m.title, q.quota
  from app.plans p
  cross join app.metrics m
  cross join lateral app.quota_of(p.plan, m.metric) as q (quota)
  order by p.position, m.position, m.metric;
end
$$;

comment on function api.list_plans() is
  'The plans and what each gives of every metric, from the smallest to the largest.';
revoke all on function api.list_plans() from public, anon, authenticated;
grant execute on function api.list_plans() to service_role;
