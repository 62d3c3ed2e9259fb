-- read_passages reads a passage of a document with the two before it and the two after it, in the order of the text.
--
-- Args:    p_place  which passage, counted from 1, as citations name it
-- Returns: one row per passage; none where the document, or that passage of it, is not the account's or not the chatbot's
--          (any more)
create or replace function api.read_passages(p_account_id text, p_chatbot_id uuid, p_document_id uuid, p_place integer)
returns table (document_name text, passage_count integer, place integer, content text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select d.name, d.passage_count, p.place, p.content
  from app.documents d
  join app.passages p on p.account_id = d.account_id and p.document_id = d.id
  where d.account_id = p_account_id and d.chatbot_id = p_chatbot_id and d.id = p_document_id
    and p.account_id = p_account_id and p.place between p_place::bigint - 2 and p_place::bigint + 2
    and p_place between 1 and d.passage_count
  order by p.place;
end
$$;

comment on function api.read_passages(text, uuid, uuid, integer) is
  'A passage of a document with the two before and after it; no row where there is none.';
revoke all on function api.read_passages(text, uuid, uuid, integer) from public, anon, authenticated;
grant execute on function api.read_passages(text, uuid, uuid, integer) to service_role;
