-- update_widget changes the widget of a chatbot.
--
-- Args:    null leaves a setting as it is
--          p_allowed_origins                at most 20, each scheme, host and perhaps port as browsers send them
--          p_messages_per_visitor_per_hour  1 to 10,000
--          p_unavailable_message            1 to 500 characters
--          p_identity_secret                a new one, 16 to 200 characters: what the old one signed is no longer believed
-- Returns: the widget after it; no row where there is none of this account and chatbot
-- Errors:  PY004 argument · PY414 the chatbot is read-only
-- Locks:   the widget until commit. Idempotent.
create or replace function api.update_widget(
  p_account_id text, p_chatbot_id uuid, p_enabled boolean default null, p_allowed_origins text[] default null,
  p_messages_per_visitor_per_hour integer default null, p_unavailable_message text default null,
  p_identity_required boolean default null, p_identity_secret text default null
)
returns table (
  chatbot_id uuid, widget_key text, enabled boolean, allowed_origins text[], messages_per_visitor_per_hour integer,
  unavailable_message text, identity_required boolean, identity_secret text,
  last_refused_at timestamptz, last_refused_cause text, last_refused_request_id text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_origin text;
begin
  if cardinality(p_allowed_origins) > 20 then
    raise exception 'allowed_origins must be at most 20' using errcode = 'PY004';
  end if;
  foreach v_origin in array coalesce(p_allowed_origins, '{}') loop
    -- They become part of a Content-Security-Policy, where ; begins a directive and * is any host.
    if v_origin is null or length(v_origin) > 300 or v_origin !~ '^https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$' then
      raise exception 'allowed_origins must be like https://www.example.com' using errcode = 'PY004';
    end if;
  end loop;
  if p_messages_per_visitor_per_hour not between 1 and 10000 then
    raise exception 'messages_per_visitor_per_hour must be from 1 to 10000' using errcode = 'PY004';
  end if;
  if length(p_unavailable_message) not between 1 and 500 then
    raise exception 'unavailable_message must have 1 to 500 characters' using errcode = 'PY004';
  end if;
  if length(p_identity_secret) not between 16 and 200 then
    raise exception 'identity_secret must have 16 to 200 characters' using errcode = 'PY004';
  end if;
  perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
  return query
  update app.widgets w
  set enabled = coalesce(p_enabled, w.enabled),
      allowed_origins = coalesce(p_allowed_origins, w.allowed_origins),
      messages_per_visitor_per_hour = coalesce(p_messages_per_visitor_per_hour, w.messages_per_visitor_per_hour),
      unavailable_message = coalesce(p_unavailable_message, w.unavailable_message),
      identity_required = coalesce(p_identity_required, w.identity_required),
      identity_secret = coalesce(p_identity_secret, w.identity_secret),
      updated_at = app.clock()
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id
  returning w.chatbot_id, w.widget_key, w.enabled, w.allowed_origins, w.messages_per_visitor_per_hour, w.unavailable_message,
            w.identity_required, w.identity_secret, w.last_refused_at, w.last_refused_cause, w.last_refused_request_id;
end
$$;

comment on function api.update_widget(text, uuid, boolean, text[], integer, text, boolean, text) is
  'Changes the widget of a chatbot; null leaves a setting as it is.';
revoke all on function api.update_widget(text, uuid, boolean, text[], integer, text, boolean, text) from public, anon, authenticated;
grant execute on function api.update_widget(text, uuid, boolean, text[], integer, text, boolean, text) to service_role;
