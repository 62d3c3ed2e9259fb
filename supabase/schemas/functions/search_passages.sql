-- search_passages finds the passages of a chatbot's documents that answer a question best.
--
-- Args:    p_query  the question, any text; its first 64 distinct words count, stop words do not
--          p_limit  1 to 50
-- Returns: passages with at least half of the question's words (three are enough), best first; none is an answer too
-- Errors:  PY004 limit
create or replace function api.search_passages(p_account_id text, p_chatbot_id uuid, p_query text, p_limit integer default 6)
returns table (document_id uuid, document_name text, place integer, content text, score double precision)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_words text[];
  v_query tsquery;
begin
  if p_limit is null or p_limit not between 1 and 50 then
    raise exception 'limit must be from 1 to 50' using errcode = 'PY004';
  end if;
  select array_agg(w.lexeme order by w.positions[1]) into v_words
  from unnest(to_tsvector('pg_catalog.english', coalesce(p_query, ''))) w;
  v_words := (coalesce(v_words, '{}'))[1:64];
  if cardinality(v_words) = 0 then
    return;
  end if;
  select string_agg('''' || replace(replace(w, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery into v_query from unnest(v_words) w;

  return query
  select d.id, d.name, p.place, p.content, (p.found + p.rank)::double precision
  from (
    select x.document_id, x.place, x.content,
           cardinality(array(select unnest(tsvector_to_array(x.words)) intersect select unnest(v_words))) as found,
           ts_rank_cd(x.words, v_query, 32) as rank
    from app.passages x
    where x.account_id = p_account_id and x.chatbot_id = p_chatbot_id and x.words @@ v_query
  ) p
  join app.documents d on d.account_id = p_account_id and d.id = p.document_id
  where p.found >= least(3, ceil(cardinality(v_words) / 2.0))
  order by p.found desc, p.rank desc, d.created_at desc, p.place
  limit p_limit;
end
$$;

comment on function api.search_passages(text, uuid, text, integer) is
  'Finds the passages of a chatbot''s documents that answer a question best; none where too few of its words occur.';
revoke all on function api.search_passages(text, uuid, text, integer) from public, anon, authenticated;
grant execute on function api.search_passages(text, uuid, text, integer) to service_role;
