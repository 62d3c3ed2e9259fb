-- list_documents lists a chatbot's documents, newest first, a page at a time.
--
-- Args:    as for list_chatbots
-- Returns: the documents, without their text
-- Errors:  PY004 limit
create or replace function api.list_documents(
  p_account_id text, p_chatbot_id uuid, p_limit integer default 50,
  p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  document_id uuid, chatbot_id uuid, name text, media_type text, size_bytes bigint, passage_count integer, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select d.id, d.chatbot_id, d.name, d.media_type, d.size_bytes, d.passage_count, d.created_at
  from app.documents d
  where d.account_id = p_account_id and d.chatbot_id = p_chatbot_id
    and (p_before_created_at is null or (d.created_at, d.id) < (p_before_created_at, p_before_id))
  order by d.created_at desc, d.id desc
  limit p_limit;
end
$$;

comment on function api.list_documents(text, uuid, integer, timestamptz, uuid) is
  'Lists a chatbot''s documents, newest first, a page at a time.';
revoke all on function api.list_documents(text, uuid, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_documents(text, uuid, integer, timestamptz, uuid) to service_role;
