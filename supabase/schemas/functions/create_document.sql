-- create_document stores a document's passages where the quota storage_bytes allows it.
--
-- Args:    p_size_bytes  the size of the file as uploaded: what counts
--          p_sha256      of that file, lower-case hexadecimal
--          p_passages    its text in order, 1 to 10,000 passages of 1 to 10,000 characters
--          p_request_id  makes the call safe to repeat
-- Returns: one row: the decision on storage_bytes, and the document (null columns when refused, or deleted since);
--          no row where the chatbot is not the account's
-- Errors:  PY004 argument · PY409 request id used for another request · PY414 the chatbot is read-only
-- Locks:   the chatbot (shared) and the gauge until commit. Idempotent per (account, request id).
create or replace function api.create_document(
  p_account_id text, p_chatbot_id uuid, p_name text, p_media_type text, p_size_bytes bigint, p_sha256 text,
  p_passages text[], p_request_id text default null
)
returns table (
  allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean,
  document_id uuid, chatbot_id uuid, name text, media_type text, size_bytes bigint, passage_count integer, created_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_refusal text;
begin
  if p_name is null or length(p_name) not between 1 and 255 then
    raise exception 'name must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_media_type is null or length(p_media_type) not between 1 and 100 then
    raise exception 'media_type must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if p_size_bytes is null or p_size_bytes not between 1 and 1000000000 then
    raise exception 'size_bytes must be from 1 to 1000000000' using errcode = 'PY004';
  end if;
  if p_sha256 is null or p_sha256 !~ '^[0-9a-f]{64}$' then
    raise exception 'sha256 must be 64 lower-case hexadecimal digits' using errcode = 'PY004';
  end if;
  if coalesce(cardinality(p_passages), 0) not between 1 and 10000 then
    raise exception 'passages must have 1 to 10000 entries' using errcode = 'PY004';
  end if;
  if exists (select from unnest(p_passages) p where p is null or length(p) not between 1 and 10000) then
    raise exception 'passages must have 1 to 10000 characters each' using errcode = 'PY004';
  end if;

  -- Against a delete of the chatbot in between.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'create_document',
      encode(sha256(convert_to(jsonb_build_array(p_chatbot_id, p_name, p_media_type, p_sha256)::text, 'UTF8')), 'hex'), v_id);
    if v_claimed = v_id then
      perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
      insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count, created_at)
      values (p_account_id, v_id, p_chatbot_id, p_name, p_media_type, p_size_bytes, p_sha256, cardinality(p_passages), app.clock());
      insert into app.passages (account_id, document_id, place, chatbot_id, content)
      select p_account_id, v_id, p.place, p_chatbot_id, p.content
      from unnest(p_passages) with ordinality as p (content, place);
    end if;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid, null::text,
           null::text, null::bigint, null::integer, null::timestamptz
    from jsonb_to_record(v_refusal::jsonb) as d (used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  return query
  select true, c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, v_claimed <> v_id,
         d.id, d.chatbot_id, d.name, d.media_type, d.size_bytes, d.passage_count, d.created_at
  from app.entitlement(p_account_id, 'storage_bytes') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity'
  left join app.documents d on d.account_id = p_account_id and d.id = v_claimed;
end
$$;

comment on function api.create_document(text, uuid, text, text, bigint, text, text[], text) is
  'Stores a document''s passages where the storage quota allows it; the gauge moves in the same transaction.';
revoke all on function api.create_document(text, uuid, text, text, bigint, text, text[], text) from public, anon, authenticated;
grant execute on function api.create_document(text, uuid, text, text, bigint, text, text[], text) to service_role;
