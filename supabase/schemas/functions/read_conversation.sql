-- read_conversation reads one conversation.
--
-- Returns: the conversation; no row where it is not the account's or not the chatbot's
create or replace function api.read_conversation(p_account_id text, p_chatbot_id uuid, p_conversation_id uuid)
returns table (
  conversation_id uuid, chatbot_id uuid, title text, channel text, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select c.id, c.chatbot_id, c.title, c.channel, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id;
end
$$;

comment on function api.read_conversation(text, uuid, uuid) is
  'One conversation of a chatbot; no row where it is not the account''s.';
revoke all on function api.read_conversation(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.read_conversation(text, uuid, uuid) to service_role;
