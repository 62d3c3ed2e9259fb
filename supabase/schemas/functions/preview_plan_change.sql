-- preview_plan_change tells what a change of plan would mean, metric by metric. It changes nothing.
--
-- Args:    p_account_id  need not exist yet
--          p_plan, p_interval  what to change to
-- Returns: one row per metric in catalog order: the outcome and direction of app.plan_change_of (the same in every row),
--          what both plans cost (amount_minor, null where not known) and give, and for what stands in the way of a downgrade the excess
--          and the sentence for the owner; quota null = unlimited
-- Errors:  PY002 unknown plan · PY004 account id or interval
create or replace function api.preview_plan_change(p_account_id text, p_plan text, p_interval text)
returns table (
  outcome text, direction text, takes_effect text, effective_at timestamptz, processor text, subscription_id text,
  from_plan text, from_interval text, from_amount_minor bigint, to_price_id text, to_amount_minor bigint, currency text,
  metric text, title text, unit text, kind text, used bigint, quota_now bigint, quota_then bigint, excess bigint, message text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select c.outcome, c.direction, c.takes_effect, c.effective_at, c.processor, c.subscription_id,
         c.from_plan, c.from_interval, f.amount_minor, c.to_price_id, t.amount_minor, t.currency,
         m.metric, m.title, m.unit, m.kind, coalesce(n.used, 0), e.quota, q.quota,
         case when c.direction = 'downgrade' and m.kind = 'gauge' and n.used > q.quota then n.used - q.quota end,
         case when c.direction = 'downgrade' and m.kind = 'gauge' and n.used > q.quota then format(m.over_quota_message, n.used - q.quota) end
  from app.plan_change_of(p_account_id, p_plan, p_interval) c
  cross join app.metrics m
  cross join lateral app.entitlement(p_account_id, m.metric) e
  cross join lateral app.quota_of(p_plan, m.metric) as q (quota)
  left join app.counters n on n.account_id = p_account_id and n.metric = m.metric and n.window_start = e.window_start
  left join app.processor_prices fp on fp.processor = c.processor and fp.price_id = c.from_price_id
  left join app.plan_prices f on f.plan = fp.plan and f.billing_interval = fp.billing_interval and f.version = fp.version
  left join app.processor_prices tp on tp.processor = c.processor and tp.price_id = c.to_price_id
  left join app.plan_prices t on t.plan = tp.plan and t.billing_interval = tp.billing_interval and t.version = tp.version
  order by m.position, m.metric;
end
$$;

comment on function api.preview_plan_change(text, text, text) is
  'What a change of plan would mean, metric by metric: when, what it gives and takes, what stands in its way.';
revoke all on function api.preview_plan_change(text, text, text) from public, anon, authenticated;
grant execute on function api.preview_plan_change(text, text, text) to service_role;
