-- read_usage_history sums the ledger of one counter up by day, chatbot and channel.
--
-- A row belongs to the window it was charged to, so that the amounts of all days are exactly the counter of that window. Its
-- day is the one it happened on. So there may be days outside of the window's span: what is given back months later lies
-- on that day but in the old window, and what was in flight when the window ended, or when a new anchor cut it short, lies
-- a moment after its end.
--
-- Args:    p_window_start  exact, or cut to the millisecond; null = the current one
-- Returns: one row per day in UTC, in order, with arrays of one length: an entry per chatbot and channel. (As rows they could
--          be more than the 1,000 at which a hosted PostgREST cuts an answer off without a word.) chatbot_name null = no
--          chatbot, or one that is not there any more; amount may be 0 or negative: returns are taken off
-- Errors:  PY001 unknown metric · PY004 a gauge
-- Locks:   none; all of it is one snapshot
create or replace function api.read_usage_history(p_account_id text, p_metric text, p_window_start timestamptz default null)
returns table (day date, chatbot_ids uuid[], chatbot_names text[], channels text[], amounts bigint[], events bigint[])
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_window_start timestamptz;
begin
  perform app.require_counter(p_metric);
  v_window_start := app.window_named(p_account_id, p_metric,
                                     coalesce(p_window_start, (app.entitlement(p_account_id, p_metric)).window_start));
  return query
  with summed as (
    select (e.occurred_at at time zone 'UTC')::date as day, e.chatbot_id, e.channel, sum(e.amount)::bigint as amount, count(*) as events
    from app.usage_events e
    where e.account_id = p_account_id and e.metric = p_metric and e.window_start = v_window_start
    group by 1, 2, 3
  ), named as (
    select s.*, b.name, row_number() over (order by s.day, b.name, s.chatbot_id, s.channel) as place
    from summed s
    left join app.chatbots b on b.account_id = p_account_id and b.id = s.chatbot_id
  )
  select n.day, array_agg(n.chatbot_id order by n.place), array_agg(n.name order by n.place), array_agg(n.channel order by n.place),
         array_agg(n.amount order by n.place), array_agg(n.events order by n.place)
  from named n
  group by n.day
  order by n.day;
end
$$;

comment on function api.read_usage_history(text, text, timestamptz) is
  'Sums the ledger of one counter up by day (UTC), chatbot and channel; the amounts add up to the counter.';
revoke all on function api.read_usage_history(text, text, timestamptz) from public, anon, authenticated;
grant execute on function api.read_usage_history(text, text, timestamptz) to service_role;
