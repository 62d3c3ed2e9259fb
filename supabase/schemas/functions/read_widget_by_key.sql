-- read_widget_by_key finds the widget a public key names, with what serving it needs; also one that is switched off.
--
-- Returns: the widget and whose it is; no row where no widget has the key.
--          blocked_by  why its chatbot answers nobody: chatbot_read_only or account_closed; null = nothing known beforehand
create or replace function api.read_widget_by_key(p_widget_key text)
returns table (
  account_id text, chatbot_id uuid, widget_key text, enabled boolean, allowed_origins text[], unavailable_message text,
  identity_required boolean, identity_secret text, chatbot_name text, welcome_message text, blocked_by text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_key record;
begin
  select k.account_id, k.chatbot_id into v_key from app.widget_keys k where k.widget_key = p_widget_key;
  if not found then
    return;
  end if;
  return query
  select w.account_id, w.chatbot_id, w.widget_key, w.enabled, w.allowed_origins, w.unavailable_message,
         w.identity_required, w.identity_secret, b.name, b.welcome_message,
         case
           when a.closed_at is not null then 'account_closed'
           when w.chatbot_id in (select r.id from app.read_only_chatbots(v_key.account_id) r (id)) then 'chatbot_read_only'
         end
  from app.widgets w
  join app.chatbots b on b.account_id = w.account_id and b.id = w.chatbot_id
  join app.accounts a on a.account_id = w.account_id
  where w.account_id = v_key.account_id and w.chatbot_id = v_key.chatbot_id;
end
$$;

comment on function api.read_widget_by_key(text) is
  'The widget a public key names, with what serving it needs.';
revoke all on function api.read_widget_by_key(text) from public, anon, authenticated;
grant execute on function api.read_widget_by_key(text) to service_role;
