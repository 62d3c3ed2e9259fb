-- fold_subscription computes a subscription's present state from everything its processor ever said of it, in the
-- processor's order. The state is a function of the set of events alone: arrival order, duplicates and pauses in delivery
-- cannot change it.
--
--   state event    status, plan and cancellation are what it says; a missing plan or period erases nothing
--   canceled       is final: processors never take it back, so whatever says otherwise was overtaken
--   payment paid   past_due or incomplete becomes active, so does trialing with the first period after the trial; anything
--                  else stays (money does not revive a cancellation)
--   payment failed active or trialing becomes past_due; without any state yet it is incomplete
--   payment        without a period (a proration, a one-off, a changed card) or for one before the known changes nothing;
--                  it tells the plan only where none is known, or with a later period
--   period         counts while live (trialing, active, past_due); the latest start wins; each start opens one window
--   tombstone      the customer was deleted: the end, from then on
--
-- Locks:   the subscription until commit; the caller holds the account. Idempotent.
create or replace function app.fold_subscription(p_account_id text, p_processor text, p_subscription_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_event record;
  v_state app.processor_subscriptions;
  v_starts timestamptz[] := '{}';
  v_ends timestamptz[] := '{}';
  v_openers text[] := '{}';
  v_gone_at timestamptz;
begin
  v_state.account_id := p_account_id;
  v_state.processor := p_processor;
  v_state.subscription_id := p_subscription_id;
  select min(t.occurred_at) into v_gone_at
  from app.tombstones t
  where t.processor = p_processor and t.object_id in (
    select e.customer_id from app.subscription_events e
    where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id);

  for v_event in
    select e.* from app.subscription_events e
    where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id
    order by e.occurred_at, e.event_rank, e.event_id collate "C"
  loop
    if v_event.occurred_at >= v_gone_at then
      v_state.status := 'canceled';
    end if;
    if v_state.status = 'canceled' then
      null;
    elsif v_event.status is not null then
      v_state.status := v_event.status;
      v_state.cancels_at := v_event.cancels_at;
      v_state.trial_ends_at := v_event.trial_ends_at;
    elsif v_event.period_start is null or v_event.period_start < v_state.period_start then
      v_state.status := coalesce(v_state.status, 'incomplete');
    elsif v_event.payment = 'paid' then
      v_state.status := case when v_state.status is null or v_state.status in ('past_due', 'incomplete') then 'active'
                             when v_state.status = 'trialing' and v_event.amount_minor > 0
                                  and v_event.period_start >= v_state.trial_ends_at then 'active'
                             else v_state.status end;
    else
      v_state.status := case when v_state.status is null then 'incomplete'
                             when v_state.status in ('active', 'trialing') then 'past_due'
                             else v_state.status end;
    end if;
    v_state.customer_id := coalesce(v_event.customer_id, v_state.customer_id);
    if v_event.status is not null or v_state.plan is null or v_event.period_start > v_state.period_start then
      v_state.plan := coalesce(v_event.plan, v_state.plan);
      v_state.price_id := coalesce(v_event.price_id, v_state.price_id);
    end if;
    v_state.past_due_since := case when v_state.status = 'past_due' then coalesce(v_state.past_due_since, v_event.occurred_at) end;

    if v_state.status in ('trialing', 'active', 'past_due') and v_event.period_start is not null then
      if v_event.period_start <> all (v_starts) then
        v_starts := v_starts || v_event.period_start;
        v_ends := v_ends || v_event.period_end;
        v_openers := v_openers || v_event.event_id;
      end if;
      if v_state.period_start is null or v_event.period_start >= v_state.period_start then
        v_state.period_start := v_event.period_start;
        v_state.period_end := v_event.period_end;
      end if;
    end if;
    v_state.as_of := v_event.occurred_at;
    v_state.as_of_rank := v_event.event_rank;
    v_state.as_of_event_id := v_event.event_id;
  end loop;
  if v_state.as_of is null then
    return;
  end if;
  if v_gone_at is not null then
    v_state.status := 'canceled';
    v_state.past_due_since := null;
  end if;

  insert into app.processor_subscriptions as s
    (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end, cancels_at,
     past_due_since, as_of, as_of_rank, as_of_event_id, customer_id, trial_ends_at)
  values (p_account_id, p_processor, p_subscription_id, v_state.status, v_state.plan, v_state.price_id, v_state.period_start,
          v_state.period_end, v_state.cancels_at, v_state.past_due_since, v_state.as_of, v_state.as_of_rank, v_state.as_of_event_id,
          v_state.customer_id, v_state.trial_ends_at)
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, plan = excluded.plan, price_id = excluded.price_id, period_start = excluded.period_start,
      period_end = excluded.period_end, cancels_at = excluded.cancels_at, past_due_since = excluded.past_due_since,
      as_of = excluded.as_of, as_of_rank = excluded.as_of_rank, as_of_event_id = excluded.as_of_event_id,
      customer_id = excluded.customer_id, trial_ends_at = excluded.trial_ends_at;

  -- A window opened on half the story (money that turns out to have come after the end) is taken back with it.
  delete from app.windows w
  where w.account_id = p_account_id and w.processor = p_processor and w.subscription_id = p_subscription_id
    and w.window_start <> all (v_starts);
  insert into app.windows as w (account_id, processor, subscription_id, window_start, window_end, opened_by, created_at)
  select p_account_id, p_processor, p_subscription_id, o.window_start, o.window_end, o.opened_by, app.clock()
  from unnest(v_starts, v_ends, v_openers) as o (window_start, window_end, opened_by)
  on conflict (account_id, processor, subscription_id, window_start) do update
  set window_end = excluded.window_end, opened_by = excluded.opened_by
  where (w.window_end, w.opened_by) is distinct from (excluded.window_end, excluded.opened_by);
end
$$;

comment on function app.fold_subscription(text, text, text) is
  'Computes a subscription''s present state from everything its processor ever said of it, in the processor''s order.';
revoke all on function app.fold_subscription(text, text, text) from public, anon, authenticated, service_role;
