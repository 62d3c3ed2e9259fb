-- validate_plan_change tells what stands in the way of a plan: the gauges that are above its quota. Counters never do:
-- they start again.
--
-- Args:    p_account_id  need not exist yet
--          p_plan        the plan to change to
-- Returns: one row per blocker: used, the plan's quota, the excess to remove, and the sentence for the owner; none = it fits
-- Errors:  PY002 unknown plan · PY004 account id
-- Locks:   none: the answer may be out of date a moment later. Whoever acts on it asks again under its own lock.
create or replace function api.validate_plan_change(p_account_id text, p_plan text)
returns table (metric text, used bigint, quota bigint, excess bigint, message text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    raise exception 'account_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;
  return query
  select m.metric, c.used, q.quota, c.used - q.quota, format(m.over_quota_message, c.used - q.quota)
  from app.metrics m
  cross join lateral app.quota_of(p_plan, m.metric) as q (quota)
  join app.counters c on c.account_id = p_account_id and c.metric = m.metric and c.window_start = '-infinity'
  where m.kind = 'gauge' and c.used > q.quota
  order by m.position;
end
$$;

comment on function api.validate_plan_change(text, text) is
  'Tells what stands in the way of a plan: one row per gauge that is above the plan''s quota; no row = it fits.';
revoke all on function api.validate_plan_change(text, text) from public, anon, authenticated;
grant execute on function api.validate_plan_change(text, text) to service_role;
