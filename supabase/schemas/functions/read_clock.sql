-- read_clock tells what time it is for Parley, and whether its clock can be moved.
--
-- Returns: one row; sandbox = it can; offset_ms = how far it is ahead of the real time, in milliseconds
create or replace function api.read_clock()
returns table (now timestamptz, sandbox boolean, offset_ms bigint)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  select app.clock(), e.kind = 'sandbox', (extract(epoch from e.clock_offset) * 1000)::bigint
  from app.environment e;
end
$$;

comment on function api.read_clock() is 'What time it is for Parley, and whether its clock can be moved.';
revoke all on function api.read_clock() from public, anon, authenticated;
grant execute on function api.read_clock() to service_role;
