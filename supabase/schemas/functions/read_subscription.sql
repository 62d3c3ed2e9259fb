-- read_subscription tells all there is to show of an account's subscription: state, price, what is scheduled, what is under way.
--
-- Args:    p_account_id  made on first use
-- Returns: one row. plan is the plan in force; status 'none' without a subscription; amount_minor and currency what the price
--          subscribed to costs, newest_amount_minor what its newest version does; cancels_at also of a cancellation Parley
--          keeps; change_* the scheduled change; operation the change a processor is being asked for; checkout_* the
--          purchase under way; times in UTC
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_subscription(p_account_id text)
returns table (
  plan text, plan_name text, status text, processor text, subscription_id text, customer_id text, subscribed_plan text,
  billing_interval text, amount_minor bigint, currency text, price_version integer, newest_version integer, newest_amount_minor bigint,
  period_start timestamptz, period_end timestamptz, trial_ends_at timestamptz, cancels_at timestamptz, grace_ends_at timestamptz,
  suspended_by text, suspended_kind text,
  change_plan text, change_interval text, change_direction text, change_at timestamptz,
  operation text, operation_status text, checkout_id uuid, checkout_url text, checkout_plan text, closed_at timestamptz
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
  select p.plan, p.name, coalesce(s.status, 'none'), s.processor, s.subscription_id, s.customer_id, s.plan,
         pp.billing_interval, v.amount_minor, v.currency, pp.version, n.version, n.amount_minor,
         s.period_start, s.period_end, s.trial_ends_at,
         coalesce(s.cancels_at, case when c.direction = 'cancel' then c.effective_at end),
         case when s.status = 'past_due' then a.plan_ends_at end,
         s.suspended_by, (select min(r.kind) from app.reversal_events r
                          where r.account_id = a.account_id and r.processor = s.processor and r.reversal_id = s.suspended_by),
         case when c.direction <> 'cancel' then c.to_plan end, case when c.direction <> 'cancel' then tp.billing_interval end,
         case when c.direction <> 'cancel' then c.direction end, case when c.direction <> 'cancel' then c.effective_at end,
         o.kind, o.status, k.id, k.url, k.plan, a.closed_at
  from app.accounts a
  join app.plans p on p.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
  left join lateral app.subscription_to_show(a.account_id) s on true
  left join app.processor_prices pp on pp.processor = s.processor and pp.price_id = s.price_id
  left join app.plan_prices v on v.plan = pp.plan and v.billing_interval = pp.billing_interval and v.version = pp.version
  left join lateral (
    select m.version, m.amount_minor from app.plan_prices m
    where m.plan = pp.plan and m.billing_interval = pp.billing_interval
    order by m.version desc limit 1
  ) n on true
  left join app.plan_changes c on c.account_id = a.account_id and c.status = 'scheduled'
  left join app.processor_prices tp on tp.processor = c.processor and tp.price_id = c.to_price_id
  left join app.processor_operations o on o.account_id = a.account_id and o.processor = s.processor
    and o.subscription_id = s.subscription_id and o.next_attempt_at is not null
  left join app.checkouts k on k.account_id = a.account_id and k.status in ('reserved', 'open') and k.expires_at > app.clock()
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_subscription(text) is
  'All there is to show of an account''s subscription: state, price, what is scheduled and what is under way.';
revoke all on function api.read_subscription(text) from public, anon, authenticated;
grant execute on function api.read_subscription(text) to service_role;
