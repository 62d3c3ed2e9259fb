-- list_old_prices previews a move to the newest prices: who is subscribed to an older version, and what they would pay.
--
-- Args:    p_plan, p_interval  null = all
--          p_limit, p_after_account_id  a page; null = the first
-- Returns: the subscriptions in force, by account; effective_at = when a move that is asked for now would come
-- Errors:  PY002 unknown plan · PY004 limit
create or replace function api.list_old_prices(
  p_plan text default null, p_interval text default null, p_limit integer default 100, p_after_account_id text default null
)
returns table (
  account_id text, processor text, subscription_id text, plan text, billing_interval text, currency text,
  from_version integer, from_amount_minor bigint, to_version integer, to_amount_minor bigint, effective_at timestamptz, scheduled boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  if p_plan is not null and not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', quote_literal(p_plan) using errcode = 'PY002';
  end if;
  return query
  select s.account_id, s.processor, s.subscription_id, pp.plan, pp.billing_interval, n.currency, pp.version, v.amount_minor,
         n.version, n.amount_minor, s.period_end,
         exists (select from app.plan_changes c where c.account_id = s.account_id and c.status = 'scheduled')
  from app.processor_subscriptions s
  join app.processor_prices pp on pp.processor = s.processor and pp.price_id = s.price_id
  left join app.plan_prices v on v.plan = pp.plan and v.billing_interval = pp.billing_interval and v.version = pp.version
  cross join lateral (
    select m.version, m.amount_minor, m.currency from app.plan_prices m
    where m.plan = pp.plan and m.billing_interval = pp.billing_interval
    order by m.version desc limit 1
  ) n
  where s.in_force and pp.version < n.version
    and (p_plan is null or pp.plan = p_plan) and (p_interval is null or pp.billing_interval = p_interval)
    and (p_after_account_id is null or s.account_id > p_after_account_id)
  order by s.account_id
  limit p_limit;
end
$$;

comment on function api.list_old_prices(text, text, integer, text) is
  'Previews a move to the newest prices: who is subscribed to an older version, and what they would pay.';
revoke all on function api.list_old_prices(text, text, integer, text) from public, anon, authenticated;
grant execute on function api.list_old_prices(text, text, integer, text) to service_role;
