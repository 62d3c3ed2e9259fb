-- chatbots_move_gauge moves the gauge chatbots with the rows, whichever path inserts or deletes them: a function, plain
-- SQL, a cascade. It runs after the row is really there, so that ON CONFLICT DO NOTHING counts nothing.
create or replace function app.chatbots_move_gauge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform app.move_gauge(new.account_id, 'chatbots', 1, new.id);
  else
    perform app.move_gauge(old.account_id, 'chatbots', -1, old.id);
  end if;
  return null;
end
$$;

comment on function app.chatbots_move_gauge() is
  'Trigger: the gauge chatbots moves with the rows, in the same transaction, whichever path inserts or deletes them.';
revoke all on function app.chatbots_move_gauge() from public, anon, authenticated, service_role;
create or replace trigger chatbots_move_gauge after insert or delete on app.chatbots
  for each row execute function app.chatbots_move_gauge();
