-- list_conversations lists a chatbot's conversations, the last used first, a page at a time.
--
-- Args:    p_limit                1 to 100
--          p_before_updated_at,
--          p_before_id            the last row of the page before; null = the first page
-- Errors:  PY004 limit
create or replace function api.list_conversations(
  p_account_id text, p_chatbot_id uuid, p_limit integer default 50,
  p_before_updated_at timestamptz default null, p_before_id uuid default null
)
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
  perform app.check_page_limit(p_limit);
  return query
  select c.id, c.chatbot_id, c.title, c.channel, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id
    and (p_before_updated_at is null or (c.updated_at, c.id) < (p_before_updated_at, p_before_id))
  order by c.updated_at desc, c.id desc
  limit p_limit;
end
$$;

comment on function api.list_conversations(text, uuid, integer, timestamptz, uuid) is
  'Lists a chatbot''s conversations, the last used first, a page at a time.';
revoke all on function api.list_conversations(text, uuid, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_conversations(text, uuid, integer, timestamptz, uuid) to service_role;
