-- begin_plan_change decides a change of plan and writes down what the processor must be asked, before it is asked.
--
--   now         an operation change_now: the quota rises when the processor confirms
--   period_end  the change is scheduled; a downgrade must fit, and from now on levels are held to the smaller plan. The
--               operation that tells the processor comes now, or shortly before the period ends (app.keeps_change)
--
-- Args:    p_plan, p_interval  what to change to
--          p_request_id        makes the call safe to repeat
--          p_reason            owner or operator
-- Returns: rows. outcome, the same in every row
--            started    ask the processor: operation_id is the idempotency key; then call settle_operation
--            scheduled  nothing is to be asked now
--            blocked    a downgrade that does not fit: one row per blocker (metric, used, quota, excess, message)
--            replayed   the same request was made before, and is started, scheduled or done
--            refused    the same request was made before, and the processor refused it; message says why
--            others     those of app.plan_change_of
-- Errors:  PY002 unknown plan · PY004 argument · PY409 request id used for another request · PY415 the account is closed
-- Locks:   the account, then its counters, until commit: nothing can be added between the check and the change
create or replace function api.begin_plan_change(
  p_account_id text, p_plan text, p_interval text, p_request_id text default null, p_reason text default 'owner'
)
returns table (
  outcome text, direction text, takes_effect text, effective_at timestamptz, plan_change_id uuid, operation_id uuid, kind text,
  processor text, subscription_id text, price_id text, metric text, used bigint, quota bigint, excess bigint, message text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_change record;
begin
  if p_reason is null or p_reason not in ('owner', 'operator') then
    raise exception 'reason must be owner or operator' using errcode = 'PY004';
  end if;
  perform app.hold_open_account(p_account_id);
  -- All of them and in the one order everybody locks them in, though only levels are looked at.
  perform from app.counters c where c.account_id = p_account_id
  order by c.metric, c.window_start
  for update;
  select c.* into v_change from app.plan_change_of(p_account_id, p_plan, p_interval) c;
  direction := v_change.direction;
  takes_effect := v_change.takes_effect;
  effective_at := v_change.effective_at;
  processor := v_change.processor;
  subscription_id := v_change.subscription_id;
  price_id := v_change.to_price_id;

  -- A repeated request finds its own change in the way; what it asked for is told by its key.
  if p_request_id is not null and exists (
    select from app.idempotency_keys k where k.account_id = p_account_id and k.request_id = p_request_id
  ) then
    v_claimed := app.claim_request(p_account_id, p_request_id, 'plan_change', app.fingerprint_of(array[p_plan, p_interval]), v_id);
    select o.id, o.kind, case when o.status = 'refused' then o.last_error end, case o.status when 'refused' then 'refused' else 'replayed' end
    into operation_id, kind, message, outcome
    from app.processor_operations o
    where o.account_id = p_account_id and (o.id = v_claimed or o.plan_change_id = v_claimed)
    order by o.created_at limit 1;
    outcome := coalesce(outcome, 'replayed');
    select c.id into plan_change_id from app.plan_changes c where c.account_id = p_account_id and c.id = v_claimed;
    return next;
    return;
  end if;

  if v_change.outcome <> 'possible' then
    outcome := v_change.outcome;
    return next;
    return;
  end if;
  if direction = 'downgrade' then
    return query
    select 'blocked', v_change.direction, v_change.takes_effect, v_change.effective_at, null::uuid, null::uuid, null::text,
           v_change.processor, v_change.subscription_id, v_change.to_price_id, b.metric, b.used, b.quota, b.excess, b.message
    from api.validate_plan_change(p_account_id, p_plan) b;
    if found then
      return;
    end if;
  end if;

  if takes_effect = 'period_end' then
    plan_change_id := v_id;
    insert into app.plan_changes
      (account_id, id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, effective_at, created_at)
    values (p_account_id, v_id, processor, subscription_id, direction, v_change.from_plan, v_change.from_price_id, p_plan, price_id,
            app.keeps_change(processor, direction), effective_at, app.clock());
    perform app.follow_plan_change(p_account_id);
  end if;
  if takes_effect = 'period_end' and app.keeps_change(processor, direction) then
    outcome := 'scheduled';
  else
    outcome := 'started';
    kind := case takes_effect when 'now' then 'change_now' else 'change_at_period_end' end;
    operation_id := app.queue_operation(p_account_id, processor, subscription_id, kind, price_id, plan_change_id, p_reason, interval '1 minute');
  end if;
  perform app.claim_request(p_account_id, p_request_id, 'plan_change', app.fingerprint_of(array[p_plan, p_interval]),
                            coalesce(plan_change_id, operation_id));
  return next;
end
$$;

comment on function api.begin_plan_change(text, text, text, text, text) is
  'Decides a change of plan and writes down what the processor must be asked; a downgrade that does not fit is blocked.';
revoke all on function api.begin_plan_change(text, text, text, text, text) from public, anon, authenticated;
grant execute on function api.begin_plan_change(text, text, text, text, text) to service_role;
