-- ensure_widget reads the widget of a chatbot, and makes it, switched off, when it is first asked for.
--
-- Args:    p_widget_key       wgt_ and 8 to 64 letters, digits, - or _; used when the widget is made, as is
--          p_identity_secret  16 to 200 characters
-- Returns: the widget; no row where the chatbot is not the account's
-- Errors:  PY004 argument · 23505 the key is another widget's
-- Locks:   the new rows until commit. Idempotent: a repeat finds the key and the secret of the first call.
create or replace function api.ensure_widget(p_account_id text, p_chatbot_id uuid, p_widget_key text, p_identity_secret text)
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
begin
  if p_widget_key is null or p_widget_key !~ '^wgt_[A-Za-z0-9_-]{8,64}$' then
    raise exception 'widget_key must be wgt_ and 8 to 64 letters, digits, - or _' using errcode = 'PY004';
  end if;
  if p_identity_secret is null or length(p_identity_secret) not between 16 and 200 then
    raise exception 'identity_secret must have 16 to 200 characters' using errcode = 'PY004';
  end if;
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;
  insert into app.widgets (account_id, chatbot_id, widget_key, identity_secret)
  values (p_account_id, p_chatbot_id, p_widget_key, p_identity_secret)
  on conflict (account_id, chatbot_id) do nothing;
  if found then
    insert into app.widget_keys (widget_key, account_id, chatbot_id) values (p_widget_key, p_account_id, p_chatbot_id);
  end if;
  return query
  select w.chatbot_id, w.widget_key, w.enabled, w.allowed_origins, w.messages_per_visitor_per_hour, w.unavailable_message,
         w.identity_required, w.identity_secret, w.last_refused_at, w.last_refused_cause, w.last_refused_request_id
  from app.widgets w
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;
end
$$;

comment on function api.ensure_widget(text, uuid, text, text) is
  'The widget of a chatbot; made, switched off, when it is first asked for.';
revoke all on function api.ensure_widget(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.ensure_widget(text, uuid, text, text) to service_role;
