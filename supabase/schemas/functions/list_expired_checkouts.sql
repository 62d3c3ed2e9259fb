-- list_expired_checkouts lists purchases that were given up: their time is over and nobody settled them. Whoever asks ends
-- them at their processor (one may turn out to be paid) and settles them.
--
-- Args:    p_limit  1 to 100
-- Returns: the purchases, those that ended first first
-- Errors:  PY004 limit
create or replace function api.list_expired_checkouts(p_limit integer default 20)
returns table (account_id text, checkout_id uuid, processor text, processor_checkout_id text, status text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select c.account_id, c.id, c.processor, c.processor_checkout_id, c.status
  from app.checkouts c
  where c.status in ('reserved', 'open') and c.expires_at <= app.clock()
  order by c.expires_at, c.id
  limit p_limit;
end
$$;

comment on function api.list_expired_checkouts(integer) is 'Lists purchases whose time is over and that nobody settled.';
revoke all on function api.list_expired_checkouts(integer) from public, anon, authenticated;
grant execute on function api.list_expired_checkouts(integer) to service_role;
