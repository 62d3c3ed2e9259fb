-- discard_event_as decides that a failed or dead delivery stays without effect, in the name of an operator: change and log in
-- one transaction. It is not tried again, nothing wakes it, and a later delivery of it changes nothing; only a replay revives
-- it. It works for every account.
--
-- Args:    p_operator_id  who does it · p_reason  why, 3 to 500 characters
-- Returns: one row; no row for an unknown delivery. outcome done (status discarded), or refused (status processed or ignored:
--          there is nothing to discard)
-- Errors:  PY004 operator or reason
-- Locks:   the inbox row until commit: one that is being applied is waited for. A repetition changes nothing but the log.
create or replace function api.discard_event_as(p_operator_id text, p_processor text, p_event_id text, p_reason text)
returns table (outcome text, status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query select r.outcome, r.status from app.act_on_event(p_operator_id, 'discard', p_processor, p_event_id, p_reason) r;
end
$$;

comment on function api.discard_event_as(text, text, text, text) is
  'Decides in the name of an operator that a failed or dead delivery stays without effect, and notes why.';
revoke all on function api.discard_event_as(text, text, text, text) from public, anon, authenticated;
grant execute on function api.discard_event_as(text, text, text, text) to service_role;
