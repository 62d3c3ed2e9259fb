-- open_checkout notes the page a buyer is sent to, for a slot that was reserved.
--
-- Args:    p_processor_checkout_id  the processor's id of the checkout; p_url where it is paid
-- Returns: one row: the status after it (open; or what became of the slot meanwhile: complete, expired, failed, and nobody may
--          be sent there any more) and the page of the slot. The first page stays: where it is another than the given one,
--          the given one must be ended
-- Errors:  PY004 argument · PY404 no such checkout of this account
-- Locks:   the checkout until commit. Idempotent.
create or replace function api.open_checkout(p_account_id text, p_checkout_id uuid, p_processor_checkout_id text, p_url text)
returns table (status text, processor_checkout_id text, url text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_processor_checkout_id is null or length(p_processor_checkout_id) not between 1 and 255 then
    raise exception 'processor_checkout_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  update app.checkouts c
  set status = case when c.status = 'reserved' then 'open' else c.status end,
      processor_checkout_id = p_processor_checkout_id, url = p_url
  -- One that is over is to be found at the processor all the same.
  where c.account_id = p_account_id and c.id = p_checkout_id and c.processor_checkout_id is null;
  return query select c.status, c.processor_checkout_id, c.url from app.checkouts c where c.account_id = p_account_id and c.id = p_checkout_id;
  if not found then
    raise exception 'no such checkout' using errcode = 'PY404';
  end if;
end
$$;

comment on function api.open_checkout(text, uuid, text, text) is 'Notes the page a buyer is sent to, for a slot that was reserved.';
revoke all on function api.open_checkout(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.open_checkout(text, uuid, text, text) to service_role;
