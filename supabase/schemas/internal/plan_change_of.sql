-- plan_change_of tells what changing an account's subscription to a plan means, and whether it can be asked for now. What
-- is previewed is what is done: both ask here.
--
-- Args:    p_plan, p_interval  what to change to; the present plan and interval mean a move to the newest version of its price
-- Returns: one row. outcome
--            possible         direction, takes_effect and the prices say how
--            no_subscription  there is none to change: buy one
--            same             it is that already, at the newest price
--            past_due         the payment that failed comes first
--            not_running      paused
--            suspended        a refund or dispute took back the payment of the running period
--            canceling        a cancellation is planned: take that back first
--            pending          another change is scheduled: undo that first
--            busy             the processor is being asked for a change of it, or its period is over and the next not heard of
--            not_sold         the processor has no price for it
--          direction  upgrade (a larger plan), downgrade (a smaller one), interval, price
--          takes_effect  now or period_end, at effective_at. In a trial everything waits for its end, for until then nothing is paid
-- Errors:  PY002 unknown plan · PY004 account id or interval
-- Locks:   none; who acts on it holds the account
create or replace function app.plan_change_of(
  p_account_id text,
  p_plan text,
  p_interval text,
  out outcome text,
  out direction text,
  out takes_effect text,
  out effective_at timestamptz,
  out processor text,
  out subscription_id text,
  out from_plan text,
  out from_interval text,
  out from_price_id text,
  out to_price_id text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_subscription app.processor_subscriptions;
  v_from record;
  v_to record;
begin
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    raise exception 'account_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_interval is null or p_interval not in ('month', 'year') then
    raise exception 'interval must be month or year' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;

  select s.* into v_subscription
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due', 'paused')
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 1;
  if v_subscription.account_id is null then
    outcome := 'no_subscription';
    return;
  end if;
  processor := v_subscription.processor;
  subscription_id := v_subscription.subscription_id;
  from_price_id := v_subscription.price_id;
  select p.plan, p.position, pp.billing_interval, pp.version into v_from
  from app.plans p
  left join app.processor_prices pp on pp.processor = v_subscription.processor and pp.price_id = v_subscription.price_id
  where p.plan = v_subscription.plan;
  from_plan := v_from.plan;
  from_interval := coalesce(v_from.billing_interval, 'month');

  select t.price_id, pp.version, p.position into v_to
  from app.price_to_sell(processor, p_plan, p_interval, false) t
  join app.processor_prices pp on pp.processor = plan_change_of.processor and pp.price_id = t.price_id
  join app.plans p on p.plan = p_plan;
  to_price_id := v_to.price_id;

  direction := case when v_to.position > v_from.position then 'upgrade'
                    when v_to.position < v_from.position then 'downgrade'
                    when p_interval <> from_interval then 'interval'
                    else 'price' end;
  -- A longer interval is paid for at once like a larger plan; a shorter one waits for the end of what was paid.
  takes_effect := case when v_subscription.status = 'trialing' then 'period_end'
                       when direction = 'upgrade' or direction = 'interval' and p_interval = 'year' then 'now' else 'period_end' end;
  effective_at := case when takes_effect = 'now' then app.clock()
                       -- Razorpay shows no period while a trial runs.
                       else coalesce(v_subscription.period_end, v_subscription.trial_ends_at) end;

  outcome := case
    when to_price_id is null then 'not_sold'
    when exists (select from app.processor_operations o
                 where o.account_id = p_account_id and o.processor = plan_change_of.processor
                   and o.subscription_id = plan_change_of.subscription_id and o.next_attempt_at is not null) then 'busy'
    when exists (select from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled' and c.direction = 'cancel')
      or v_subscription.cancels_at is not null then 'canceling'
    when exists (select from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled') then 'pending'
    when direction = 'price' and v_to.version <= v_from.version then 'same'
    when v_subscription.status = 'past_due' then 'past_due'
    when v_subscription.suspended_by is not null then 'suspended'
    when v_subscription.status = 'paused' or effective_at is null then 'not_running'
    when takes_effect = 'period_end' and effective_at <= app.clock() then 'busy'
    else 'possible' end;
end
$$;

comment on function app.plan_change_of(text, text, text) is
  'What changing an account''s subscription to a plan means, and whether it can be asked for now.';
revoke all on function app.plan_change_of(text, text, text) from public, anon, authenticated, service_role;
