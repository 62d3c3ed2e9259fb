-- anchor_of_period picks the anchor from which a confirmed period's windows follow: its start, unless its start is a
-- shortened month end. A subscription begun on 31 Jan has the period 28 Feb to 31 Mar; anchored on 28 Feb its next
-- window would open on 28 Mar, three days early and a second time on 31 Mar. Its end, 31 Mar, still tells the true day.
--
-- Args:    p_start, p_end  the period, half-open
--          p_offset        the clock by which its months go, as for window_at
-- Returns: timestamptz; p_start, or p_end where only p_end puts a bound on both
create or replace function app.anchor_of_period(p_start timestamptz, p_end timestamptz, p_offset interval default interval '0')
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  if extract(day from p_end at time zone 'UTC' + p_offset) > extract(day from p_start at time zone 'UTC' + p_offset)
     and (app.window_at(p_end, p_start, p_offset)).window_start = p_start then
    return p_end;
  end if;
  return p_start;
end
$$;

comment on function app.anchor_of_period(timestamptz, timestamptz, interval) is
  'The anchor of a confirmed period: its start, or its end where the start is a shortened month end.';
revoke all on function app.anchor_of_period(timestamptz, timestamptz, interval) from public, anon, authenticated, service_role;
