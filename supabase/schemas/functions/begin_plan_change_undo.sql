-- begin_plan_change_undo takes back a change that is scheduled, a planned cancellation of Parley's own keeping too.
--
-- Returns: one row. outcome
--            undone     it is taken back; nothing is to be asked
--            started    the processor knows of it and must be asked: then call settle_operation, which takes it back
--            nothing    no change is scheduled
--            too_late   the processor was told of a cancellation, and does not take it back
--            busy       the processor is being asked for a change of the subscription, or is about to renew it, or has and was
--                       not heard yet: what is put back then would be for a period that is paid for
-- Errors:  PY004 account id · PY415 the account is closed
-- Locks:   the account until commit. Idempotent: what is undone is undone.
create or replace function api.begin_plan_change_undo(p_account_id text)
returns table (outcome text, plan_change_id uuid, operation_id uuid, kind text, processor text, subscription_id text, price_id text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_change app.plan_changes;
  v_told boolean;
begin
  perform app.hold_open_account(p_account_id);
  select c.* into v_change from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled';
  if not found then
    outcome := 'nothing';
    return next;
    return;
  end if;
  plan_change_id := v_change.id;
  processor := v_change.processor;
  subscription_id := v_change.subscription_id;
  v_told := exists (select from app.processor_operations o
                    where o.account_id = p_account_id and o.plan_change_id = v_change.id and o.status = 'done');
  if v_change.direction = 'cancel' and v_told then
    outcome := 'too_late';
    return next;
    return;
  end if;
  if v_change.effective_at <= app.clock() or v_change.held and v_told and v_change.effective_at <= app.clock() + interval '40 minutes'
     or exists (select from app.processor_operations o
                where o.account_id = p_account_id and o.processor = v_change.processor and o.subscription_id = v_change.subscription_id
                  and o.next_attempt_at is not null) then
    outcome := 'busy';
    return next;
    return;
  end if;

  if v_change.held and not v_told then
    update app.plan_changes c set status = 'undone', settled_at = app.clock()
    where c.account_id = p_account_id and c.id = v_change.id;
    perform app.apply_subscriptions(p_account_id);
    outcome := 'undone';
  else
    outcome := 'started';
    -- Who cannot be told in advance was told early: the price before is put back.
    kind := case when v_change.held then 'change_at_period_end' else 'undo_change' end;
    price_id := case when kind = 'change_at_period_end' then v_change.from_price_id end;
    operation_id := app.queue_operation(p_account_id, processor, subscription_id, kind, price_id, plan_change_id, 'owner', interval '1 minute');
  end if;
  return next;
end
$$;

comment on function api.begin_plan_change_undo(text) is 'Takes back a change that is scheduled.';
revoke all on function api.begin_plan_change_undo(text) from public, anon, authenticated;
grant execute on function api.begin_plan_change_undo(text) to service_role;
