-- delete_conversation deletes a conversation with its messages. What they used stays used: counters do not go back.
--
-- Returns: one row: deleted (false = it was not there)
-- Locks:   the conversation and its messages until commit. Idempotent.
create or replace function api.delete_conversation(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, out deleted boolean
)
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id;
  deleted := found;
end
$$;

comment on function api.delete_conversation(text, uuid, uuid) is
  'Deletes a conversation with its messages; what they used stays used.';
revoke all on function api.delete_conversation(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.delete_conversation(text, uuid, uuid) to service_role;
