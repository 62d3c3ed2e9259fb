-- replay_webhook_event makes a failed or dead delivery due at once, with a fresh count of attempts. One that was
-- processed or ignored is left alone: it cannot apply twice.
--
-- Returns: one row, the status it has now; no row for an unknown delivery
-- Locks:   the row until commit. Idempotent.
create or replace function api.replay_webhook_event(p_processor text, p_event_id text)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  where e.processor = p_processor and e.id = p_event_id and e.status in ('failed', 'dead');
  return query
  select e.status from app.webhook_events e where e.processor = p_processor and e.id = p_event_id;
end
$$;

comment on function api.replay_webhook_event(text, text) is
  'Makes a failed or dead delivery due at once, with all its attempts before it.';
revoke all on function api.replay_webhook_event(text, text) from public, anon, authenticated;
grant execute on function api.replay_webhook_event(text, text) to service_role;
grant execute on function api.replay_webhook_event(text, text) to operator;
