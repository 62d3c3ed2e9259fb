-- act_on_event lets an operator replay or discard a delivery that is without effect, and notes who did it and why.
--
-- Args:    p_operator_id  who does it, 1 to 255 characters
--          p_action       replay (it is due at once, with all its attempts before it) or discard (it stays without effect)
--          p_reason       why, 3 to 500 characters
-- Returns: one row; no row for an unknown delivery. outcome
--            done     it was failed, dead or discarded, status is what it is now
--            refused  it was processed or ignored and is left alone, status tells which
-- Errors:  PY004 operator or reason
-- Locks:   the inbox row until commit: a delivery that is being applied is waited for. A repetition changes nothing but the log.
create or replace function app.act_on_event(p_operator_id text, p_action text, p_processor text, p_event_id text, p_reason text)
returns table (outcome text, status text)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_before text;
  v_reason text := btrim(p_reason);
begin
  if p_operator_id is null or length(p_operator_id) not between 1 and 255 then
    raise exception 'operator_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if v_reason is null or length(v_reason) not between 3 and 500 then
    raise exception 'reason must have 3 to 500 characters' using errcode = 'PY004';
  end if;

  select e.status into v_before
  from app.webhook_events e where e.processor = p_processor and e.id = p_event_id
  for update;
  if not found then
    return;
  end if;
  if v_before not in ('failed', 'dead', 'discarded') then
    outcome := 'refused';
    status := v_before;
    return next;
    return;
  end if;

  outcome := 'done';
  status := case p_action when 'replay' then 'failed' else 'discarded' end;
  update app.webhook_events e
  set status = act_on_event.status,
      attempts = case p_action when 'replay' then 0 else e.attempts end,
      next_attempt_at = case p_action when 'replay' then app.clock() end
  where e.processor = p_processor and e.id = p_event_id;
  insert into app.operator_actions (operator_id, action, processor, event_id, reason, status_before, status_after)
  values (p_operator_id, p_action, p_processor, p_event_id, v_reason, v_before, status);
  return next;
end
$$;

comment on function app.act_on_event(text, text, text, text, text) is
  'Lets an operator replay or discard a delivery that is without effect, and notes who did it and why.';
revoke all on function app.act_on_event(text, text, text, text, text) from public, anon, authenticated, service_role;
