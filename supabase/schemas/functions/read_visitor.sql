-- read_visitor finds the visitor who holds a token.
--
-- Args:    p_token_sha256  of the token, in hex
-- Returns: the visitor; no row where nobody of this account and chatbot holds it
create or replace function api.read_visitor(p_account_id text, p_chatbot_id uuid, p_token_sha256 text)
returns table (visitor_id uuid, conversation_id uuid, external_id text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select v.id, v.conversation_id, v.external_id
  from app.visitors v
  where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.token_sha256 = p_token_sha256;
end
$$;

comment on function api.read_visitor(text, uuid, text) is
  'The visitor of a chatbot''s widget who holds a token.';
revoke all on function api.read_visitor(text, uuid, text) from public, anon, authenticated;
grant execute on function api.read_visitor(text, uuid, text) to service_role;
