-- apply_subscriptions derives an account's plan, the end of it, and the anchor of its windows from the state of its
-- subscriptions. A function of that state alone, so that it does not matter which event came last.
--
--   in force  of the live subscriptions: one that is paid before one past due, then the larger plan, then the later period
--   plan      what the one in force is for, until the grace of its plan ends when it is past due; free without one
--   anchor    from the latest confirmed period of the one in force (a second, cheaper one must not restart its windows);
--             without one, from the latest of any, so that an end moves nothing; else the creation of the account
--
-- Locks:   the caller holds the account; the account's counters until commit when plan or anchor change, so that no
--          decision in flight is made by the plan before. Idempotent.
create or replace function app.apply_subscriptions(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account record;
  v_in_force record;
  v_period record;
  v_plan text := 'free';
  v_plan_ends_at timestamptz;
  v_anchor timestamptz;
  v_counts_from timestamptz;
begin
  select a.* into strict v_account from app.accounts a where a.account_id = p_account_id;

  select s.processor, s.subscription_id, s.status, s.plan, s.past_due_since, p.grace_days into v_in_force
  from app.processor_subscriptions s
  join app.plans p on p.plan = s.plan
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due')
  order by (s.status = 'past_due'), p.position desc, s.period_start desc nulls last, s.processor, s.subscription_id
  limit 1;

  if v_in_force.plan <> 'free' then
    v_plan := v_in_force.plan;
    if v_in_force.status = 'past_due' then
      v_plan_ends_at := v_in_force.past_due_since + make_interval(hours => 24 * v_in_force.grace_days);
    end if;
  end if;

  update app.processor_subscriptions s set in_force = false
  where s.account_id = p_account_id and s.in_force
    and (s.processor, s.subscription_id) is distinct from (v_in_force.processor, v_in_force.subscription_id);
  update app.processor_subscriptions s set in_force = true
  where s.account_id = p_account_id and not s.in_force
    and s.processor = v_in_force.processor and s.subscription_id = v_in_force.subscription_id;

  select s.period_start, s.period_end into v_period
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.period_start is not null
  order by s.in_force desc, s.period_start desc, s.processor, s.subscription_id
  limit 1;
  v_anchor := case when v_period.period_start is null then v_account.created_at
                   else app.anchor_of_period(v_period.period_start, v_period.period_end) end;

  v_counts_from := coalesce(v_period.period_start, v_account.created_at);

  if (v_account.plan, v_account.anchor, v_account.counts_from) is distinct from (v_plan, v_anchor, v_counts_from)
     or v_account.plan_ends_at is distinct from v_plan_ends_at then
    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;
    update app.accounts a set plan = v_plan, plan_ends_at = v_plan_ends_at, anchor = v_anchor, counts_from = v_counts_from
    where a.account_id = p_account_id;
  end if;
end
$$;

comment on function app.apply_subscriptions(text) is
  'Derives an account''s plan, its end and its anchor from the state of its subscriptions, and marks the one in force.';
revoke all on function app.apply_subscriptions(text) from public, anon, authenticated, service_role;
