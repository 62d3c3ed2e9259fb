-- read_checkout tells how a purchase stands.
--
-- Returns: one row; none where it is not the account's
create or replace function api.read_checkout(p_account_id text, p_checkout_id uuid)
returns table (
  checkout_id uuid, processor text, plan text, billing_interval text, price_id text, trial_days integer, status text,
  processor_checkout_id text, url text, subscription_id text, last_error text, created_at timestamptz, expires_at timestamptz,
  settled_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select c.id, c.processor, c.plan, c.billing_interval, c.price_id, c.trial_days, c.status, c.processor_checkout_id, c.url,
         c.subscription_id, c.last_error, c.created_at, c.expires_at, c.settled_at
  from app.checkouts c
  where c.account_id = p_account_id and c.id = p_checkout_id;
end
$$;

comment on function api.read_checkout(text, uuid) is 'How a purchase stands; no row where it is not the account''s.';
revoke all on function api.read_checkout(text, uuid) from public, anon, authenticated;
grant execute on function api.read_checkout(text, uuid) to service_role;
