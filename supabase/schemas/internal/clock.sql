-- clock tells the time everything in Parley goes by: now(), moved by the offset of a sandbox database.
--
-- Returns: timestamptz; the same instant for a whole transaction
-- Errors:  none
-- Locks:   none
create or replace function app.clock()
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
  return now() + (select clock_offset from app.environment);
end
$$;

comment on function app.clock() is 'The time everything goes by: now(), moved by the offset of a sandbox database.';
revoke all on function app.clock() from public, anon, authenticated, service_role;
grant execute on function app.clock() to operator;
