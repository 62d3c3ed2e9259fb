-- make_account_first makes the account of a new row on its first use, also for plain SQL.
create or replace function app.make_account_first()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.ensure_account(new.account_id);
  return new;
end
$$;

comment on function app.make_account_first() is
  'Trigger: makes the account of a new row on its first use, so that plain SQL may insert without knowing of it.';
revoke all on function app.make_account_first() from public, anon, authenticated, service_role;
create or replace trigger make_account_first before insert on app.chatbots
  for each row execute function app.make_account_first();
