-- lock_question finds the question that an answer answered, which is to be answered anew, and locks it, so that of two who
-- want that one waits for the other.
--
-- Args:    p_message_id  the answer
--          p_content     what the caller takes the question to be
-- Returns: uuid; the id of the question
-- Errors:  PY404 no such answer in the conversation · PY004 it is still being generated, or answered another question
-- Locks:   the question until commit. To be called before any counter is locked: who finishes an answer comes from there.
create or replace function app.lock_question(p_account_id text, p_conversation_id uuid, p_message_id uuid, p_content text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_answer record;
  v_question record;
begin
  select m.place, m.status into v_answer from app.messages m
  -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true and m.role = 'assistant';
  if not found then
    raise exception 'there is no such answer in this conversation' using errcode = 'PY404';
  end if;
  if v_answer.status = 'streaming' then
    raise exception 'this answer is still being generated: stop it first' using errcode = 'PY004';
  end if;
  select m.id, m.content into v_question from app.messages m
  where m.account_id = p_account_id and m.conversation_id = p_conversation_id and m.role = 'user' and m.place < v_answer.place
  order by m.place desc
  limit 1
  for no key update;
  if v_question.content is distinct from p_content then
    raise exception 'content must be the question that this answer answered' using errcode = 'PY004';
  end if;
  return v_question.id;
end
$$;

comment on function app.lock_question(text, uuid, uuid, text) is
  'Finds and locks the question that an answer answered, to be answered anew; PY404 and PY004 where it cannot be.';
revoke all on function app.lock_question(text, uuid, uuid, text) from public, anon, authenticated, service_role;
