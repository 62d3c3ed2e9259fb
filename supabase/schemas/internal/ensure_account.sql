-- ensure_account makes the account on its first use, on plan free, anchored now. A known account is left alone.
--
-- Args:    p_account_id  Clerk user or organization id
-- Errors:  PY004 no account id, or one over 255 characters
-- Locks:   the new row until commit. Idempotent.
create or replace function app.ensure_account(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    raise exception 'account_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  insert into app.accounts (account_id, anchor, counts_from, created_at)
  values (p_account_id, app.clock(), app.clock(), app.clock())
  on conflict (account_id) do nothing;
end
$$;

comment on function app.ensure_account(text) is 'Makes the account on its first use, on plan free, anchored now.';
revoke all on function app.ensure_account(text) from public, anon, authenticated, service_role;
