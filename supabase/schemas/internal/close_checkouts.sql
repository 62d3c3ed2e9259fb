-- close_checkouts frees the slot of a purchase once the account has a live subscription with that processor.
--
-- Locks:   the checkout until commit; the caller holds the account. Idempotent.
create or replace function app.close_checkouts(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update app.checkouts c
  set status = 'complete', settled_at = app.clock(), subscription_id = s.subscription_id
  from app.processor_subscriptions s
  where c.account_id = p_account_id and c.status in ('reserved', 'open')
    and s.account_id = c.account_id and s.processor = c.processor and s.status in ('trialing', 'active', 'past_due');
end
$$;

comment on function app.close_checkouts(text) is
  'Frees the slot of a purchase once the account has a live subscription with that processor.';
revoke all on function app.close_checkouts(text) from public, anon, authenticated, service_role;
