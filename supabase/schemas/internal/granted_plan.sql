-- granted_plan derives from the state of an account's subscriptions which plan it has, until when, and the anchor of its
-- windows. It reads, and changes nothing.
--
--   in force  of the live subscriptions that no refund or dispute suspends: one that is paid before one past due, then the
--             larger plan, then the later period
--   plan      what the one in force is for, until the grace of its plan ends when it is past due; free without one, and
--             for a closed account. Where a change to come was told to the processor early (it had to be, see
--             app.keeps_change), the plan before it until the period it was paid for ends
--   anchor    from the latest confirmed period of the one in force (a second, cheaper one must not restart its windows);
--             without one, from the latest of any, so that an end moves nothing; else the creation of the account. Razorpay's
--             first period begins when it is paid and all others at midnight: midnight it is for the first one too, or its
--             renewal would open a second window on the day it comes
--
-- Returns: one row; processor and subscription_id null = none is in force; no row for an unknown account
create or replace function app.granted_plan(
  p_account_id text,
  out plan text,
  out plan_ends_at timestamptz,
  out anchor timestamptz,
  out anchor_offset interval,
  out counts_from timestamptz,
  out processor text,
  out subscription_id text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_account record;
  v_in_force record;
  v_period record;
begin
  select a.created_at, a.closed_at into v_account from app.accounts a where a.account_id = p_account_id;

  select s.processor, s.subscription_id, s.status, p.plan, s.past_due_since, p.grace_days into v_in_force
  from app.processor_subscriptions s
  left join app.plan_changes c
    on c.account_id = s.account_id and c.status in ('scheduled', 'superseded') and c.processor = s.processor and c.subscription_id = s.subscription_id
    and c.held and c.to_price_id = s.price_id and s.period_start < c.effective_at
  join app.plans p on p.plan = coalesce(c.from_plan, s.plan)
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due') and s.suspended_by is null
    and v_account.closed_at is null
  order by (s.status = 'past_due'), p.position desc, s.period_start desc nulls last, s.processor, s.subscription_id
  limit 1;

  plan := coalesce(v_in_force.plan, 'free');
  if v_in_force.status = 'past_due' and plan <> 'free' then
    plan_ends_at := v_in_force.past_due_since + make_interval(hours => 24 * v_in_force.grace_days);
  end if;
  processor := v_in_force.processor;
  subscription_id := v_in_force.subscription_id;

  select s.processor, s.period_start, s.period_end into v_period
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.period_start is not null
  order by ((s.processor, s.subscription_id) = (v_in_force.processor, v_in_force.subscription_id)) desc nulls last,
           s.period_start desc, s.processor, s.subscription_id
  limit 1;
  counts_from := coalesce(v_period.period_start, v_account.created_at);
  anchor_offset := app.billing_offset(v_period.processor);
  anchor := case when v_period.period_start is null then v_account.created_at
                 when anchor_offset <> interval '0' then
                   (date_trunc('day', app.anchor_of_period(v_period.period_start, v_period.period_end, anchor_offset) at time zone 'UTC' + anchor_offset)
                    - anchor_offset) at time zone 'UTC'
                 else app.anchor_of_period(v_period.period_start, v_period.period_end, anchor_offset) end;
end
$$;

comment on function app.granted_plan(text) is
  'Derives from the state of an account''s subscriptions which plan it has, until when, and the anchor of its windows.';
revoke all on function app.granted_plan(text) from public, anon, authenticated, service_role;
