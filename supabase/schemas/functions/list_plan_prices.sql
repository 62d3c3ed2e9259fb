-- list_plan_prices lists what the plans cost now.
--
-- Args:    p_processor  the versions this processor sells, which are older until it is set up for the newest; null = the newest
-- Returns: one row per plan and interval, in catalog order; amount_minor in the currency's minor unit
create or replace function api.list_plan_prices(p_processor text default null)
returns table (plan text, name text, billing_interval text, version integer, currency text, amount_minor bigint, trial_days integer)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select p.plan, p.name, v.billing_interval, v.version, v.currency, v.amount_minor, p.trial_days
  from app.plans p
  join app.plan_prices v on v.plan = p.plan
  where v.version = case
    when p_processor is null then (
      select max(n.version) from app.plan_prices n where n.plan = v.plan and n.billing_interval = v.billing_interval)
    else (
      select pp.version from app.price_to_sell(p_processor, v.plan, v.billing_interval, false) t
      join app.processor_prices pp on pp.processor = p_processor and pp.price_id = t.price_id)
  end
  order by p.position, v.billing_interval;
end
$$;

comment on function api.list_plan_prices(text) is 'What the plans cost now, monthly and yearly: the newest version of each price, or the one a processor sells.';
revoke all on function api.list_plan_prices(text) from public, anon, authenticated;
grant execute on function api.list_plan_prices(text) to service_role;
grant execute on function api.list_plan_prices(text) to operator;
