-- read_chatbot reads one chatbot.
--
-- Returns: the chatbot with the number and size of its documents; no row where it is not the account's
create or replace function api.read_chatbot(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean,
  monthly_message_cap bigint, messages_this_window bigint
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_chatbot_id is not null then
    return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r;
  end if;
end
$$;

comment on function api.read_chatbot(text, uuid) is
  'One chatbot of an account; no row where it is not the account''s.';
revoke all on function api.read_chatbot(text, uuid) from public, anon, authenticated;
grant execute on function api.read_chatbot(text, uuid) to service_role;
