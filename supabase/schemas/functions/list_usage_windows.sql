-- list_usage_windows lists the windows of one counter: those something was decided in, and the current one.
--
-- A counter row tells where its window began, and not where it ended. The end is a month on, by the anchor the window was
-- counted from: the present one, or the one the account was created with. It is sooner where the next window began sooner,
-- because the anchor had moved. Approximate is
--   - a window of an anchor in between (a subscription before the present one): a month from its own start, which is up to
--     three days early where the start is a shortened month end, and
--   - a window that was cut short by a new anchor, while the one after it was never used: it seems to last its month.
-- Rows are sorted by their window, not by these ends: no sum depends on them.
--
-- Returns: the newest 24, the newest first; always with the current one, whose end is exact. An account that is not there
--          yet has the window that would begin now.
-- Errors:  PY001 unknown metric · PY004 a gauge
-- Locks:   none
create or replace function api.list_usage_windows(p_account_id text, p_metric text)
returns table (window_start timestamptz, window_end timestamptz, is_current boolean)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_current record;
begin
  perform app.require_counter(p_metric);
  select e.window_start, e.resets_at into v_current from app.entitlement(p_account_id, p_metric) e;
  return query
  with known as (
    select c.window_start from app.counters c where c.account_id = p_account_id and c.metric = p_metric
    union
    select v_current.window_start
  ), newest as (
    select k.window_start from known k
    order by k.window_start = v_current.window_start desc, k.window_start desc
    limit 24
  )
  select n.window_start,
         case when n.window_start = v_current.window_start then v_current.resets_at
              else least(
                lag(n.window_start) over (order by n.window_start desc),
                case when by_anchor.window_start = n.window_start then by_anchor.window_end
                     when by_creation.window_start = n.window_start then by_creation.window_end
                     else by_itself.window_end end)
         end,
         n.window_start = v_current.window_start
  from newest n
  left join app.accounts a on a.account_id = p_account_id
  cross join lateral app.window_at(a.anchor, n.window_start, a.anchor_offset) by_anchor
  cross join lateral app.window_at(a.created_at, n.window_start) by_creation
  cross join lateral app.window_at(n.window_start, n.window_start) by_itself
  order by n.window_start desc;
end
$$;

comment on function api.list_usage_windows(text, text) is
  'Lists the windows of one counter, the newest first: those something was decided in, and the current one.';
revoke all on function api.list_usage_windows(text, text) from public, anon, authenticated;
grant execute on function api.list_usage_windows(text, text) to service_role;
