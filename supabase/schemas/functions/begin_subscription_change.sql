-- begin_subscription_change decides whether an account's subscription can be cancelled, resumed or paused, and writes down
-- what the processor must be asked, before it is asked.
--
-- Args:    p_change  cancel_at_period_end, cancel_now, resume (takes a planned cancellation back, or ends a pause), pause
-- Returns: one row. outcome
--            started          ask the processor: operation_id is the idempotency key; then call settle_operation
--            done             nothing is to be asked: Parley keeps a cancellation until the period ends, or took it back
--            already          it is so already
--            no_subscription  there is none, or it has ended
--            not_running      it cannot be paused: it is past due, paused or has not begun
--            too_late         the processor was told of the cancellation, and does not take it back
--            pending          Parley would have to keep the cancellation, but another change is scheduled: undo that first
--            busy             the processor is being asked for a change of it
-- Errors:  PY004 argument · PY415 the account is closed
-- Locks:   the account until commit. A cancellation takes the place of a change that was scheduled, once it is done.
create or replace function api.begin_subscription_change(p_account_id text, p_change text)
returns table (
  outcome text, operation_id uuid, kind text, processor text, subscription_id text, price_id text, effective_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_subscription app.processor_subscriptions;
  v_change app.plan_changes;
  v_told boolean;
  v_ends_at timestamptz;
begin
  if p_change is null or p_change not in ('cancel_at_period_end', 'cancel_now', 'resume', 'pause') then
    raise exception 'change must be cancel_at_period_end, cancel_now, resume or pause' using errcode = 'PY004';
  end if;
  perform app.hold_open_account(p_account_id);
  select s.* into v_subscription
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due', 'paused')
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 1;
  if not found then
    outcome := 'no_subscription';
    return next;
    return;
  end if;
  processor := v_subscription.processor;
  subscription_id := v_subscription.subscription_id;
  -- Razorpay shows no period while a trial runs.
  v_ends_at := coalesce(v_subscription.period_end, v_subscription.trial_ends_at);
  effective_at := case p_change when 'cancel_at_period_end' then v_ends_at else app.clock() end;
  select c.* into v_change from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled';

  v_told := exists (select from app.processor_operations o
                    where o.account_id = p_account_id and o.plan_change_id = v_change.id and o.status = 'done');
  if exists (select from app.processor_operations o
             where o.account_id = p_account_id and o.processor = v_subscription.processor
               and o.subscription_id = v_subscription.subscription_id and o.next_attempt_at is not null) then
    outcome := 'busy';
  elsif p_change = 'cancel_at_period_end' and (v_subscription.cancels_at is not null or v_change.direction = 'cancel') then
    outcome := 'already';
    effective_at := coalesce(v_subscription.cancels_at, v_change.effective_at);
  elsif p_change = 'pause' and (v_subscription.status not in ('trialing', 'active') or v_subscription.cancels_at is not null
                                or v_change.direction = 'cancel') then
    outcome := case v_subscription.status when 'paused' then 'already' else 'not_running' end;
  elsif p_change = 'resume' and v_change.direction = 'cancel' and not v_told and v_subscription.status <> 'paused' then
    outcome := 'done';
    update app.plan_changes c set status = 'undone', settled_at = app.clock()
    where c.account_id = p_account_id and c.id = v_change.id;
  elsif p_change = 'resume' and app.keeps_change(processor, 'cancel') and (v_told and v_change.direction = 'cancel' or v_subscription.cancels_at is not null) then
    outcome := 'too_late';
  elsif p_change = 'resume' and v_subscription.cancels_at is null and v_subscription.status <> 'paused' then
    outcome := 'already';
  end if;
  if outcome is not null then
    return next;
    return;
  end if;

  -- In the last minutes it is told at once: queue_due_changes would come too late.
  if p_change = 'cancel_at_period_end' and app.keeps_change(processor, 'cancel')
     and v_ends_at > app.clock() + interval '40 minutes' then
    if v_change.id is not null then
      outcome := 'pending';
      return next;
      return;
    end if;
    outcome := 'done';
    insert into app.plan_changes
      (account_id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, effective_at, created_at)
    values (p_account_id, processor, subscription_id, 'cancel', v_subscription.plan, v_subscription.price_id, 'free', null, true,
            v_ends_at, app.clock());
  else
    outcome := 'started';
    kind := p_change;
    operation_id := app.queue_operation(p_account_id, processor, subscription_id, kind, null,
                                        case when v_change.direction <> 'cancel' then v_change.id end, 'owner', interval '1 minute');
  end if;
  perform app.apply_subscriptions(p_account_id);
  return next;
end
$$;

comment on function api.begin_subscription_change(text, text) is
  'Decides whether a subscription can be cancelled, resumed or paused, and writes down what the processor must be asked.';
revoke all on function api.begin_subscription_change(text, text) from public, anon, authenticated;
grant execute on function api.begin_subscription_change(text, text) to service_role;
