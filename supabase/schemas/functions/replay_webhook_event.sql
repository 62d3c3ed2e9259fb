-- replay_webhook_event makes a failed, dead or discarded delivery due at once, with a fresh count of attempts. One that was
-- processed or ignored is left alone: it cannot apply twice. For a prompt; the database login is logged as the operator.
--
-- Returns: one row, the status it has now; no row for an unknown delivery
-- Locks:   the row until commit. A repetition changes nothing but the log.
create or replace function api.replay_webhook_event(p_processor text, p_event_id text)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select r.status from app.act_on_event(session_user::text, 'replay', p_processor, p_event_id, 'replay_webhook_event') r;
end
$$;

comment on function api.replay_webhook_event(text, text) is
  'Makes a failed, dead or discarded delivery due at once, with all its attempts before it.';
revoke all on function api.replay_webhook_event(text, text) from public, anon, authenticated;
grant execute on function api.replay_webhook_event(text, text) to service_role;
grant execute on function api.replay_webhook_event(text, text) to operator;
