-- read_account tells an account's plan in force, its subscription and its current window; makes it on its first use.
--
-- Args:    p_account_id  Clerk user or organization id
-- Returns: one row. plan is the plan in force; subscribed_plan what the subscription is for (null without one); status
--          'none' without a subscription; grace_ends_at when past due; times in UTC
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_account(p_account_id text)
returns table (
  account_id text,
  plan text,
  plan_name text,
  subscribed_plan text,
  status text,
  processor text,
  subscription_id text,
  window_start timestamptz,
  window_end timestamptz,
  period_end timestamptz,
  cancels_at timestamptz,
  grace_ends_at timestamptz,
  created_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (select from app.accounts a where a.account_id = p_account_id) then
    perform app.ensure_account(p_account_id);
  end if;
  return query
  select a.account_id, p.plan, p.name, s.plan, coalesce(s.status, 'none'), s.processor, s.subscription_id,
         w.window_start, w.window_end, s.period_end, coalesce(s.cancels_at, c.effective_at),
         case when s.status = 'past_due' then a.plan_ends_at end, a.created_at
  from app.accounts a
  join app.plans p on p.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
  cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
  left join lateral app.subscription_to_show(a.account_id) s on true
  left join app.plan_changes c on c.account_id = a.account_id and c.status = 'scheduled' and c.direction = 'cancel'
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_account(text) is
  'Tells an account''s plan in force, its subscription and its current window; makes the account on its first use.';
revoke all on function api.read_account(text) from public, anon, authenticated;
grant execute on function api.read_account(text) to service_role;
