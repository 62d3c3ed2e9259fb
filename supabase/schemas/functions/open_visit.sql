-- open_visit begins the visit of somebody at a chatbot's widget, or goes on with an earlier one.
--
-- With an identity the visit is that of the identity, wherever it was begun; at its first time it takes the conversation
-- along that the same person had without. Without one, the earlier token leads only to a visit without identity: who finds
-- the token of somebody who was signed in does not get at the conversation by it.
--
-- Args:    p_token_sha256          of a token for the visit, in hex
--          p_earlier_token_sha256  of the token the visitor came with; null = none
--          p_external_id           the site's id of its user, 1 to 200 characters, whose signature the caller has checked
-- Returns: the visit; token_sha256 tells which of the two tokens is its own; no row where the chatbot has no widget
-- Errors:  PY004 argument
-- Locks:   the visitor until commit, with an identity also the widget. Idempotent.
create or replace function api.open_visit(
  p_account_id text, p_chatbot_id uuid, p_token_sha256 text, p_earlier_token_sha256 text default null, p_external_id text default null
)
returns table (visitor_id uuid, conversation_id uuid, token_sha256 text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_token_sha256 is null or p_token_sha256 !~ '^[0-9a-f]{64}$' then
    raise exception 'token_sha256 must be 64 hex digits' using errcode = 'PY004';
  end if;
  if length(p_external_id) not between 1 and 200 then
    raise exception 'external_id must have 1 to 200 characters' using errcode = 'PY004';
  end if;
  -- Before anything else, as deleting the chatbot does.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  perform from app.widgets w where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;
  if not found then
    return;
  end if;

  if p_external_id is null then
    return query
    update app.visitors v set last_seen_at = app.clock()
    where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id
      and v.token_sha256 = p_earlier_token_sha256 and v.external_id is null
    returning v.id, v.conversation_id, v.token_sha256;
    if found then
      return;
    end if;
  else
    -- Two first visits of one identity wait for each other here.
    perform from app.widgets w where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id for no key update;
    return query
    update app.visitors v set last_seen_at = app.clock(), token_sha256 = p_token_sha256
    where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.external_id = p_external_id
    returning v.id, v.conversation_id, v.token_sha256;
    if found then
      return;
    end if;
    return query
    update app.visitors v set last_seen_at = app.clock(), token_sha256 = p_token_sha256, external_id = p_external_id
    where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id
      and v.token_sha256 = p_earlier_token_sha256 and v.external_id is null
    returning v.id, v.conversation_id, v.token_sha256;
    if found then
      return;
    end if;
  end if;

  return query
  insert into app.visitors as v (account_id, chatbot_id, token_sha256, external_id)
  values (p_account_id, p_chatbot_id, p_token_sha256, p_external_id)
  -- A repeat, whose first answer was lost.
  on conflict (account_id, chatbot_id, token_sha256) do update set last_seen_at = app.clock()
  where v.external_id is not distinct from excluded.external_id
  returning v.id, v.conversation_id, v.token_sha256;
end
$$;

comment on function api.open_visit(text, uuid, text, text, text) is
  'Begins a visit at a chatbot''s widget or goes on with an earlier one: that of the identity, else that of the token.';
revoke all on function api.open_visit(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.open_visit(text, uuid, text, text, text) to service_role;
