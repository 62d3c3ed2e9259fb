-- create_conversation opens a conversation with a chatbot.
--
-- Args:    p_title       up to 200 characters
--          p_channel     playground, widget or api
--          p_request_id  makes the call safe to repeat
-- Returns: the conversation; no row where the chatbot is not the account's, or a replayed conversation has been deleted
-- Errors:  PY004 argument · PY409 request id used for another request · PY414 the chatbot is read-only
-- Locks:   the chatbot (shared) until commit. Idempotent per (account, request id).
create or replace function api.create_conversation(
  p_account_id text, p_chatbot_id uuid, p_title text default '', p_channel text default 'api', p_request_id text default null
)
returns table (
  conversation_id uuid, chatbot_id uuid, title text, channel text, replayed boolean, created_at timestamptz, updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
begin
  if length(p_title) > 200 then
    raise exception 'title must have at most 200 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;

  v_claimed := app.claim_request(p_account_id, p_request_id, 'create_conversation',
    encode(sha256(convert_to(jsonb_build_array(p_chatbot_id, p_title, p_channel)::text, 'UTF8')), 'hex'), v_id);
  if v_claimed = v_id then
    perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
    insert into app.conversations (account_id, id, chatbot_id, title, channel, created_at, updated_at)
    values (p_account_id, v_id, p_chatbot_id, coalesce(p_title, ''), p_channel, app.clock(), app.clock());
  end if;
  return query
  select c.id, c.chatbot_id, c.title, c.channel, v_claimed <> v_id, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.id = v_claimed;
end
$$;

comment on function api.create_conversation(text, uuid, text, text, text) is
  'Opens a conversation with a chatbot. Safe to repeat with a request id.';
revoke all on function api.create_conversation(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.create_conversation(text, uuid, text, text, text) to service_role;
