-- chatbot_rows gives the chatbots of an account as the API shows them, with the number and size of their documents and
-- the answers that count against their cap in the current window.
--
-- Args:    p_chatbot_id  one of them; null = all
create or replace function app.chatbot_rows(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean,
  monthly_message_cap bigint, messages_this_window bigint
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select b.id, b.name, b.instructions, b.welcome_message, b.model, d.document_count, d.storage_bytes, b.created_at, b.updated_at,
         b.id in (select r.id from app.read_only_chatbots(p_account_id) r (id)),
         b.monthly_message_cap, coalesce(a.used, 0)
  from app.chatbots b
  cross join app.entitlement(p_account_id, 'messages') e
  left join app.chatbot_answers a on a.account_id = b.account_id and a.chatbot_id = b.id and a.window_start = e.window_start
  cross join lateral (
    select count(*) as document_count, coalesce(sum(x.size_bytes), 0)::bigint as storage_bytes
    from app.documents x
    where x.account_id = b.account_id and x.chatbot_id = b.id
  ) d
  where b.account_id = p_account_id and (p_chatbot_id is null or b.id = p_chatbot_id);
end
$$;

comment on function app.chatbot_rows(text, uuid) is
  'The chatbots of an account as the API shows them: with the number and size of their documents.';
revoke all on function app.chatbot_rows(text, uuid) from public, anon, authenticated, service_role;
