-- documents_move_gauge moves the gauge storage_bytes by the size of the documents that come and go, by whatever path.
create or replace function app.documents_move_gauge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform app.move_gauge(new.account_id, 'storage_bytes', new.size_bytes, new.chatbot_id);
  else
    perform app.move_gauge(old.account_id, 'storage_bytes', -old.size_bytes, old.chatbot_id);
  end if;
  return null;
end
$$;

comment on function app.documents_move_gauge() is
  'Trigger: the gauge storage_bytes moves with the documents, in the same transaction, whichever path inserts or deletes them.';
revoke all on function app.documents_move_gauge() from public, anon, authenticated, service_role;
create or replace trigger documents_move_gauge after insert or delete on app.documents
  for each row execute function app.documents_move_gauge();
