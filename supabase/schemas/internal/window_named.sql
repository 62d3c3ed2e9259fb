-- window_named finds the window a caller means by its start as HTTP answers carry it: cut to the millisecond.
--
-- Args:    p_metric        null = of any counter; those of an account share their windows
--          p_window_start  the start, exact or cut; null = none is meant
-- Returns: the exact start of the window that has a counter, the later one if two begin in that millisecond; the instant
--          itself where there is none, of which there is no ledger row either
-- Locks:   none
create or replace function app.window_named(p_account_id text, p_metric text, p_window_start timestamptz)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce((
    select c.window_start
    from app.counters c
    where c.account_id = p_account_id and (p_metric is null or c.metric = p_metric)
      and (c.window_start = p_window_start
           or c.window_start >= p_window_start and c.window_start < p_window_start + interval '1 millisecond')
    order by c.window_start = p_window_start desc, c.window_start desc
    limit 1
  ), p_window_start);
end
$$;

comment on function app.window_named(text, text, timestamptz) is
  'The exact start of the window a caller means by a start that is cut to the millisecond.';
revoke all on function app.window_named(text, text, timestamptz) from public, anon, authenticated, service_role;
