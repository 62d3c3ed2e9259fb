-- settle_checkout ends a purchase and frees its slot.
--
-- Args:    p_status           complete, expired (given up, not payable any more) or failed (the processor made none)
--          p_subscription_id  what was bought, where it is complete
-- Returns: one row, the status after it; the first end stays, but what turns out to be complete was
-- Errors:  PY004 status · PY404 no such checkout of this account
-- Locks:   the checkout until commit. Idempotent.
create or replace function api.settle_checkout(
  p_account_id text, p_checkout_id uuid, p_status text, p_subscription_id text default null, p_error text default null
)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_status is null or p_status not in ('complete', 'expired', 'failed') then
    raise exception 'status must be complete, expired or failed' using errcode = 'PY004';
  end if;
  update app.checkouts c
  set status = p_status, settled_at = coalesce(c.settled_at, app.clock()), subscription_id = coalesce(p_subscription_id, c.subscription_id),
      last_error = left(p_error, 500)
  where c.account_id = p_account_id and c.id = p_checkout_id
    and (c.status in ('reserved', 'open') or p_status = 'complete' and (c.status <> 'complete' or c.subscription_id is null));
  return query select c.status from app.checkouts c where c.account_id = p_account_id and c.id = p_checkout_id;
  if not found then
    raise exception 'no such checkout' using errcode = 'PY404';
  end if;
end
$$;

comment on function api.settle_checkout(text, uuid, text, text, text) is 'Ends a purchase and frees its slot.';
revoke all on function api.settle_checkout(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.settle_checkout(text, uuid, text, text, text) to service_role;
