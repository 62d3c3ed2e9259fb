-- answer_stop_requested tells the process that generates an answer whether it should stop: somebody asked for it, or the
-- answer is gone or was ended by another (the sweeper, a deleted chatbot).
--
-- Returns: one row
create or replace function api.answer_stop_requested(p_account_id text, p_message_id uuid, out stop_requested boolean)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  select m.stop_requested or m.status <> 'streaming' into stop_requested
  from app.messages m
  where m.account_id = p_account_id and m.id = p_message_id;
  stop_requested := coalesce(stop_requested, true);
end
$$;

comment on function api.answer_stop_requested(text, uuid) is
  'Tells the process that generates an answer whether it should stop.';
revoke all on function api.answer_stop_requested(text, uuid) from public, anon, authenticated;
grant execute on function api.answer_stop_requested(text, uuid) to service_role;
