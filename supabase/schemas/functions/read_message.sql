-- read_message reads one message.
--
-- Returns: the message as list_messages gives it; no row where it is not the account's or not the conversation's
create or replace function api.read_message(p_account_id text, p_conversation_id uuid, p_message_id uuid)
returns table (
  message_id uuid, place bigint, role text, status text, content text, citations jsonb,
  input_tokens bigint, output_tokens bigint, error text, created_at timestamptz, finished_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select m.id, m.place, m.role, m.status, m.content, m.citations,
         m.input_tokens, m.output_tokens, m.error, m.created_at, m.finished_at
  from app.messages m
  -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true;
end
$$;

comment on function api.read_message(text, uuid, uuid) is
  'One message of a conversation; no row where it is not the account''s.';
revoke all on function api.read_message(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.read_message(text, uuid, uuid) to service_role;
