-- quota_of tells how much of a metric a plan gives: null = unlimited. Only a row that says so makes a metric unlimited;
-- where there is none (an owner's hand: triggers keep them complete), the plan gives 0.
create or replace function app.quota_of(p_plan text, p_metric text)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
  v_quota bigint;
begin
  select q.quota into v_quota from app.plan_quotas q where q.plan = p_plan and q.metric = p_metric;
  return case when found then v_quota else 0 end;
end
$$;

comment on function app.quota_of(text, text) is
  'How much of a metric a plan gives; null = unlimited, 0 where no row says anything.';
revoke all on function app.quota_of(text, text) from public, anon, authenticated, service_role;
