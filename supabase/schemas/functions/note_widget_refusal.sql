-- note_widget_refusal keeps why a visitor was sent away, for the owner of the widget; the latest is kept.
--
-- Args:    p_cause       the true one, such as "messages: 100 of 100 used"; cut at 500 characters
--          p_request_id  of the refused request, by which the log knows it; cut at 100 characters
-- Returns: noted = false where there is no such widget
-- Errors:  PY004 argument
-- Locks:   the widget until commit. Idempotent.
create or replace function api.note_widget_refusal(
  p_account_id text, p_chatbot_id uuid, p_cause text, p_request_id text, out noted boolean
)
language plpgsql
security definer
set search_path = ''
as $$
begin
  if p_cause is null or p_request_id is null then
    raise exception 'cause and request_id are required' using errcode = 'PY004';
  end if;
  update app.widgets w
  set last_refused_at = app.clock(), last_refused_cause = left(p_cause, 500), last_refused_request_id = left(p_request_id, 100)
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;
  noted := found;
end
$$;

comment on function api.note_widget_refusal(text, uuid, text, text) is
  'Keeps why a visitor was last sent away, for the owner of the widget.';
revoke all on function api.note_widget_refusal(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.note_widget_refusal(text, uuid, text, text) to service_role;
