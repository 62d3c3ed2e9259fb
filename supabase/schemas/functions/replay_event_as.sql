-- replay_event_as makes a failed, dead or discarded delivery due at once, in the name of an operator: change and log in one
-- transaction. It works for every account.
--
-- Args:    p_operator_id  who does it · p_reason  why, 3 to 500 characters
-- Returns: one row; no row for an unknown delivery. outcome done (status failed: due now), or refused (status processed or
--          ignored: it cannot apply twice)
-- Errors:  PY004 operator or reason
-- Locks:   the inbox row until commit. A repetition changes nothing but the log.
create or replace function api.replay_event_as(p_operator_id text, p_processor text, p_event_id text, p_reason text)
returns table (outcome text, status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query select r.outcome, r.status from app.act_on_event(p_operator_id, 'replay', p_processor, p_event_id, p_reason) r;
end
$$;

comment on function api.replay_event_as(text, text, text, text) is
  'Makes a failed, dead or discarded delivery due at once in the name of an operator, and notes why.';
revoke all on function api.replay_event_as(text, text, text, text) from public, anon, authenticated;
grant execute on function api.replay_event_as(text, text, text, text) to service_role;
