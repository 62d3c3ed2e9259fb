-- move_clock sets Parley's clock to a later time. Only a sandbox has a clock that can be moved.
--
-- Args:    p_to  the time it shall be now; not before the present
-- Returns: one row, as read_clock
-- Errors:  PY004 a time that is past, or after the year 2199 · PY416 not a sandbox
-- Locks:   the environment's row until commit. Idempotent but for the time that passes.
create or replace function api.move_clock(p_to timestamptz)
returns table (now timestamptz, sandbox boolean, offset_ms bigint)
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_environment app.environment;
begin
  select e.* into v_environment from app.environment e for update;
  if v_environment.kind <> 'sandbox' then
    raise exception 'the clock of a production database cannot be moved' using errcode = 'PY416';
  end if;
  -- Far enough for any trial, and dates stay dates.
  if p_to is null or p_to >= '2200-01-01 00:00+00' then
    raise exception 'to must be a time before the year 2200' using errcode = 'PY004';
  end if;
  if p_to < app.clock() - interval '1 second' then
    raise exception 'the clock only moves forward: it is % already', app.clock() using errcode = 'PY004';
  end if;
  -- In seconds: an offset in months or days would mean another distance on another day.
  update app.environment e set clock_offset = greatest(e.clock_offset, make_interval(secs => extract(epoch from p_to - pg_catalog.now())));
  return query select r.* from api.read_clock() r;
end
$$;

comment on function api.move_clock(timestamptz) is 'Sets Parley''s clock to a later time; only a sandbox has one that can be moved.';
revoke all on function api.move_clock(timestamptz) from public, anon, authenticated;
grant execute on function api.move_clock(timestamptz) to service_role;
