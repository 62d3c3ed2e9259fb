-- replace_answers marks every answer to the last question of a conversation as replaced by a new one.
--
-- Args:    p_replaces  the answer the caller wants replaced: after it nothing may have come but failed answers
--          p_question  the question, locked by lock_question
--          p_answer    the id the new answer will get
-- Errors:  PY004 something else came after it
-- Locks:   the answers until commit. To be called with the counter of messages locked, as whoever begins an answer has it:
--          nothing can come after p_replaces between the look and the commit.
create or replace function app.replace_answers(
  p_account_id text, p_conversation_id uuid, p_replaces uuid, p_question uuid, p_answer uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from app.messages m
    join app.messages r on r.account_id = m.account_id and r.conversation_id = m.conversation_id and r.place < m.place
    where m.account_id = p_account_id and m.conversation_id = p_conversation_id and r.id = p_replaces
      and not (m.role = 'assistant' and m.status = 'failed')
  ) then
    raise exception 'only the last answer of a conversation can be given anew; another message came after this one' using errcode = 'PY004';
  end if;
  -- All of them, not that one alone: what a failed new answer had replaced is replaced by this one.
  update app.messages m set replaced_by = p_answer
  from app.messages q
  where q.account_id = p_account_id and q.id = p_question
    and m.account_id = p_account_id and m.conversation_id = p_conversation_id and m.role = 'assistant' and m.place > q.place;
end
$$;

comment on function app.replace_answers(text, uuid, uuid, uuid, uuid) is
  'Marks every answer to the last question of a conversation as replaced by a new one; PY004 where something came after it.';
revoke all on function app.replace_answers(text, uuid, uuid, uuid, uuid) from public, anon, authenticated, service_role;
