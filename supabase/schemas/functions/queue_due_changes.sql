-- queue_due_changes writes down what processors must be told of the changes Parley kept for the end of a period.
--
--   before the end  in the last six hours, but not in the last forty minutes: processors lock a subscription when they
--                   are about to renew it (Paddle: half an hour)
--   after it        where that moment was missed and the subscription was renewed as it was. A price is changed at once, and
--                   the processor credits what is left of the period; also where a processor was told in time and did not
--                   act. A cancellation comes with the end of the period that is paid for now: kind missed, for a human to
--                   see, and nothing to be asked yet
--
-- A cancellation is told also of a subscription that is past due; a price cannot be changed then.
--
-- Args:    p_limit  1 to 100
-- Returns: the operations that are due now, and what was missed (operation_id null)
-- Errors:  PY004 limit
-- Locks:   the accounts until commit; skips those that are locked
create or replace function api.queue_due_changes(p_limit integer default 20)
returns table (account_id text, operation_id uuid, kind text, plan_change_id uuid)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_due record;
  v_change record;
  v_found integer := 0;
begin
  perform app.check_page_limit(p_limit);
  for v_due in
    select c.account_id, c.id from app.plan_changes c
    where c.status = 'scheduled' and c.effective_at <= v_now + interval '6 hours'
    order by c.effective_at, c.account_id
  loop
    -- What cannot be told now (a pause, a bill that is not paid) must not keep the others from being told.
    exit when v_found >= p_limit;
    -- One account after another: the change is looked at again under its lock.
    perform from app.accounts a where a.account_id = v_due.account_id for no key update skip locked;
    continue when not found;
    select c.*, s.status as subscription_status, s.price_id, s.period_start, s.period_end into v_change
    from app.plan_changes c
    join app.processor_subscriptions s
      on s.account_id = c.account_id and s.processor = c.processor and s.subscription_id = c.subscription_id
    where c.account_id = v_due.account_id and c.id = v_due.id and c.status = 'scheduled'
      and (s.status in ('trialing', 'active') or s.status = 'past_due' and c.direction = 'cancel')
      and s.price_id = c.from_price_id;
    continue when not found;

    account_id := v_change.account_id;
    plan_change_id := v_change.id;
    operation_id := null;
    if v_now < v_change.effective_at then
      kind := case when v_change.direction <> 'cancel' then 'change_at_period_end'
                   -- A trial has no cycle to end with.
                   when v_change.subscription_status = 'trialing' then 'cancel_now'
                   else 'cancel_at_period_end' end;
      continue when not v_change.held or v_now >= v_change.effective_at - interval '40 minutes'
        or exists (select from app.processor_operations o
                   where o.account_id = v_change.account_id and o.plan_change_id = v_change.id and o.status = 'done'
                     and o.price_id is not distinct from v_change.to_price_id);
    else
      -- A processor that was told needs a moment to act.
      continue when v_change.period_start < v_change.effective_at
        or v_now < v_change.effective_at + case when v_change.held then interval '10 minutes' else interval '6 hours' end;
      kind := case v_change.direction when 'cancel' then 'missed' else 'change_now' end;
    end if;

    if kind = 'missed' then
      update app.plan_changes c
      set effective_at = v_change.period_end, last_error = 'the renewal came first: it ends with the period that was paid for then'
      where c.account_id = v_change.account_id and c.id = v_change.id;
    else
      operation_id := app.queue_operation(v_change.account_id, v_change.processor, v_change.subscription_id, kind,
                                          v_change.to_price_id, v_change.id, 'scheduled', interval '0');
      continue when operation_id is null;
    end if;
    v_found := v_found + 1;
    return next;
  end loop;
end
$$;

comment on function api.queue_due_changes(integer) is
  'Writes down what processors must be told of the changes Parley kept for the end of a period.';
revoke all on function api.queue_due_changes(integer) from public, anon, authenticated;
grant execute on function api.queue_due_changes(integer) to service_role;
