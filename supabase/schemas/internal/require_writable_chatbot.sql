-- require_writable_chatbot refuses a change of a chatbot that is read-only because the plan does not hold it.
--
-- Errors:  PY414 the chatbot is read-only
create or replace function app.require_writable_chatbot(p_account_id text, p_chatbot_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if exists (select from app.read_only_chatbots(p_account_id) r (id) where r.id = p_chatbot_id) then
    raise exception 'this chatbot is read-only, because the plan does not hold all chatbots: delete others, choose which to keep, or upgrade'
      using errcode = 'PY414';
  end if;
end
$$;

comment on function app.require_writable_chatbot(text, uuid) is
  'Refuses a change of a chatbot that is read-only because the plan does not hold it (PY414).';
revoke all on function app.require_writable_chatbot(text, uuid) from public, anon, authenticated, service_role;
