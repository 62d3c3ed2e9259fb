-- add_months moves an instant by whole months in UTC; a day the month lacks becomes its last day (31 Jan + 1 = 28 Feb).
--
-- Args:    p_from    the instant
--          p_months  whole months, may be negative
-- Returns: timestamptz
create or replace function app.add_months(p_from timestamptz, p_months integer)
returns timestamptz
language plpgsql
immutable
strict
set search_path = ''
as $$
begin
  return (p_from at time zone 'UTC' + make_interval(months => p_months)) at time zone 'UTC';
end
$$;

comment on function app.add_months(timestamptz, integer) is 'Moves an instant by whole months in UTC; a day the month lacks becomes its last day.';
revoke all on function app.add_months(timestamptz, integer) from public, anon, authenticated, service_role;
