-- list_messages lists a conversation's messages, newest first, a page at a time; also the answer being streamed. An answer
-- that was given anew is left out, unless the new one failed and it did not.
--
-- Args:    p_limit         1 to 100
--          p_before_place  the place of the last row of the page before; null = the first page
-- Errors:  PY004 limit
create or replace function api.list_messages(
  p_account_id text, p_conversation_id uuid, p_limit integer default 50, p_before_place bigint default null
)
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
  perform app.check_page_limit(p_limit);
  return query
  select m.id, m.place, m.role, m.status, m.content, m.citations,
         m.input_tokens, m.output_tokens, m.error, m.created_at, m.finished_at
  from app.messages m
  where m.account_id = p_account_id and m.conversation_id = p_conversation_id
    and (p_before_place is null or m.place < p_before_place)
    and not exists (
      select from app.messages r
      where r.account_id = m.account_id and r.id = m.replaced_by and (r.status <> 'failed' or m.status = 'failed'))
  order by m.place desc
  limit p_limit;
end
$$;

comment on function api.list_messages(text, uuid, integer, bigint) is
  'Lists a conversation''s messages, newest first, a page at a time.';
revoke all on function api.list_messages(text, uuid, integer, bigint) from public, anon, authenticated;
grant execute on function api.list_messages(text, uuid, integer, bigint) to service_role;
