-- subscriptions: one row per account for people at a prompt: plan in force, status, and what is used in the current windows.
create view app.subscriptions with (security_invoker = true) as
select
  a.account_id as user_id,
  case when a.plan_ends_at <= app.clock() then 'free' else a.plan end as plan,
  coalesce(s.status, 'none') as status,
  (
    select jsonb_object_agg(m.metric || '_count', coalesce(c.used, 0))
    from app.metrics m
    left join app.counters c
      on c.account_id = a.account_id and c.metric = m.metric
      and c.window_start = case when m.kind = 'gauge' then '-infinity'::timestamptz else w.window_start end
  ) as usage,
  s.processor,
  s.subscription_id,
  s.plan as subscribed_plan,
  s.period_start,
  s.period_end,
  s.cancels_at,
  case when s.status = 'past_due' then a.plan_ends_at end as grace_ends_at,
  w.window_start,
  w.window_end,
  a.created_at
from app.accounts a
cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
left join lateral app.subscription_to_show(a.account_id) s on true;

comment on view app.subscriptions is
  'One row per account: plan in force, status (none without a subscription), and usage such as {"chatbots_count": 2, "messages_count": 40}.';
revoke all on table app.subscriptions from public, anon, authenticated, service_role;
grant select on table app.subscriptions to operator;
