-- stop_answer asks for an answer to be stopped; the process that generates it sees the mark and settles.
--
-- Returns: the status of the answer at this moment; no row where there is none of this account and conversation
-- Locks:   the message until commit. Idempotent.
create or replace function api.stop_answer(p_account_id text, p_conversation_id uuid, p_message_id uuid)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  update app.messages m set stop_requested = true
  where m.account_id = p_account_id and m.id = p_message_id
    -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
    and (m.conversation_id = p_conversation_id) is true and m.status = 'streaming';
  return query
  select m.status from app.messages m
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true and m.role = 'assistant';
end
$$;

comment on function api.stop_answer(text, uuid, uuid) is
  'Asks for an answer to be stopped, wherever it is being generated.';
revoke all on function api.stop_answer(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.stop_answer(text, uuid, uuid) to service_role;
