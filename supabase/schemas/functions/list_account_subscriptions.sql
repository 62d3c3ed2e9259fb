-- list_account_subscriptions lists every subscription an account ever had, up to a hundred: the one in force first, then the
-- last heard of.
--
-- Returns: plan null = its price is not known; times in UTC
-- Locks:   none
create or replace function api.list_account_subscriptions(p_account_id text)
returns table (
  processor text, subscription_id text, status text, plan text, in_force boolean, period_start timestamptz, period_end timestamptz,
  as_of timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select s.processor, s.subscription_id, s.status, s.plan, s.in_force, s.period_start, s.period_end, s.as_of
  from app.processor_subscriptions s
  where s.account_id = p_account_id
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 100;
end
$$;

comment on function api.list_account_subscriptions(text) is 'Every subscription an account ever had, the one in force first.';
revoke all on function api.list_account_subscriptions(text) from public, anon, authenticated;
grant execute on function api.list_account_subscriptions(text) to service_role;
