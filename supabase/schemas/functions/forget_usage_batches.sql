-- forget_usage_batches removes what batches were answered an hour ago and more: nobody asks again then.
--
-- Args:    p_limit  at most this many in one call, 1 to 10,000
-- Returns: how many were removed
-- Errors:  PY004 limit
-- Locks:   the rows removed; skips what is locked. Idempotent.
create or replace function api.forget_usage_batches(p_limit integer default 1000)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_count integer;
begin
  if p_limit is null or p_limit not between 1 and 10000 then
    raise exception 'limit must be from 1 to 10000' using errcode = 'PY004';
  end if;
  delete from app.usage_batches b
  where b.batch_id in (
    select o.batch_id from app.usage_batches o
    where o.created_at < app.clock() - interval '1 hour'
    order by o.created_at
    limit p_limit
    for update skip locked);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

comment on function api.forget_usage_batches(integer) is 'Removes what batches were answered an hour ago and more.';
revoke all on function api.forget_usage_batches(integer) from public, anon, authenticated;
grant execute on function api.forget_usage_batches(integer) to service_role;
