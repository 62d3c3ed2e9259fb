-- hold_open_account locks the account a decision is about, made on its first use; one that is closed decides nothing more.
--
-- Errors:  PY004 account id · PY415 the account is closed
-- Locks:   the account until commit. FOR UPDATE would also wait for foreign key checks.
create or replace function app.hold_open_account(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_closed_at timestamptz;
begin
  perform app.ensure_account(p_account_id);
  select a.closed_at into v_closed_at from app.accounts a where a.account_id = p_account_id for no key update;
  if v_closed_at is not null then
    raise exception 'the account is closed' using errcode = 'PY415';
  end if;
end
$$;

comment on function app.hold_open_account(text) is 'Locks the account a decision is about; one that is closed decides nothing more (PY415).';
revoke all on function app.hold_open_account(text) from public, anon, authenticated, service_role;
