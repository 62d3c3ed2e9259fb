-- list_chatbots lists an account's chatbots, newest first, a page at a time.
--
-- Args:    p_limit                1 to 100
--          p_before_created_at,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: the chatbots with the number and size of their documents
-- Errors:  PY004 limit
create or replace function api.list_chatbots(
  p_account_id text, p_limit integer default 50, p_before_created_at timestamptz default null, p_before_id uuid default null
)
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
  perform app.check_page_limit(p_limit);
  return query
  with page as (
    select b.id from app.chatbots b
    where b.account_id = p_account_id
      and (p_before_created_at is null or (b.created_at, b.id) < (p_before_created_at, p_before_id))
    order by b.created_at desc, b.id desc
    limit p_limit
  )
  select r.* from page cross join lateral app.chatbot_rows(p_account_id, page.id) r
  order by r.created_at desc, r.chatbot_id desc;
end
$$;

comment on function api.list_chatbots(text, integer, timestamptz, uuid) is
  'Lists an account''s chatbots, newest first, a page at a time.';
revoke all on function api.list_chatbots(text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_chatbots(text, integer, timestamptz, uuid) to service_role;
