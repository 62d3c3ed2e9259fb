-- What is behind the meters: a counter day by day, its windows, and the ledger row by row.
-- Danger: while the index is built, charges wait. On a ledger of many millions of rows create it before, by hand and
-- CONCURRENTLY under the same name; then this does nothing. (Look that it is valid: a build that failed leaves one that is not.)

create index if not exists usage_events_history on app.usage_events (account_id, metric, window_start, id);
comment on index app.usage_events_history is
  'The rows behind one counter, in order: its history by day reads them all, its ledger a page from the end. The ledger is append-only, so that the index is added to and never moved; the primary key would lead through every other metric and window.';

--! Included schemas/internal/require_counter.sql
-- require_counter refuses a metric that has no windows.
--
-- Errors:  PY001 unknown metric · PY004 a gauge: a level has no windows, and no history but its ledger
create or replace function app.require_counter(p_metric text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind text;
begin
  select m.kind into v_kind from app.metrics m where m.metric = p_metric;
  if not found then
    raise exception 'unknown metric %', coalesce(quote_literal(p_metric), 'null') using errcode = 'PY001';
  end if;
  if v_kind = 'gauge' then
    raise exception 'metric % is a level: it has no windows and no history by day; list its usage events instead', p_metric
      using errcode = 'PY004';
  end if;
end
$$;

comment on function app.require_counter(text) is 'Raises unless the metric is a counter: a level has no windows.';
revoke all on function app.require_counter(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/require_counter.sql

--! Included schemas/internal/window_named.sql
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
--! EndIncluded schemas/internal/window_named.sql

--! Included schemas/functions/list_usage_events.sql
-- list_usage_events lists an account's ledger, the newest row first, a page at a time.
--
-- balance_after is what the counter stood at after the row. It is told where the list is that of one counter: one metric and
-- one window (a gauge has but one), and no other filter. The first page counts down from the counter, read in the same
-- snapshot; a later one from p_balance, so that it stays exact whatever is written meanwhile. That holds because the ids of
-- one counter are in the order of its changes: decide_usage, return_usage, charge_up_to_quota and sync_chatbot_count all
-- take the counter's row lock before they write their ledger row, which is when its id is drawn, and hold it until commit.
-- (The sequence must go on handing ids out one by one: with a cache of several per session, or ids drawn on several nodes,
-- it would not hold.) A list over several counters may miss, at its top, a row that is being written at that moment.
--
-- Args:    p_metric           null = all
--          p_window_start     exact, or cut to the millisecond; null = all
--          p_day              a day in UTC; null = all
--          p_chatbot_id       null = all; p_without_chatbot = what belongs to none
--          p_channel          playground, widget or api; null = all
--          p_limit            1 to 100
--          p_before_id        the id of the last row of the page before; null = the first page
--          p_balance          that row's balance_after - amount; null = the balances are not told on later pages
-- Returns: window_start null = a gauge; chatbot_name null = no chatbot, or one that is not there any more
-- Errors:  PY001 unknown metric · PY004 limit, or both a chatbot and none
-- Locks:   none
create or replace function api.list_usage_events(
  p_account_id text, p_metric text default null, p_window_start timestamptz default null, p_day date default null,
  p_chatbot_id uuid default null, p_without_chatbot boolean default false, p_channel text default null,
  p_limit integer default 50, p_before_id bigint default null, p_balance bigint default null
)
returns table (
  event_id bigint, metric text, amount bigint, balance_after bigint, occurred_at timestamptz, window_start timestamptz, reason text,
  request_id text, chatbot_id uuid, chatbot_name text, conversation_id uuid, channel text, operation text
)
language plpgsql
stable
security definer
set search_path = ''
-- A plan for any arguments could not use the index of a counter's rows.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  v_kind text;
  v_window_start timestamptz;
  v_balance bigint;
begin
  perform app.check_page_limit(p_limit);
  if p_chatbot_id is not null and p_without_chatbot then
    raise exception 'name a chatbot, or ask for what belongs to none, not both' using errcode = 'PY004';
  end if;
  if p_metric is not null then
    select m.kind into v_kind from app.metrics m where m.metric = p_metric;
    if not found then
      raise exception 'unknown metric %', quote_literal(p_metric) using errcode = 'PY001';
    end if;
  end if;
  v_window_start := app.window_named(p_account_id, p_metric, p_window_start);
  if v_kind = 'gauge' and v_window_start is null then
    v_window_start := '-infinity';
  end if;

  if v_kind is not null and v_window_start is not null
     and p_day is null and p_chatbot_id is null and p_without_chatbot is not true and p_channel is null then
    if p_before_id is null then
      select c.used into v_balance from app.counters c
      where c.account_id = p_account_id and c.metric = p_metric and c.window_start = v_window_start;
    else
      v_balance := p_balance;
    end if;
  end if;

  return query
  with page as (
    select e.* from app.usage_events e
    where e.account_id = p_account_id
      and (p_metric is null or e.metric = p_metric)
      and (v_window_start is null or e.window_start = v_window_start)
      and (p_day is null
           or e.occurred_at >= p_day::timestamp at time zone 'UTC' and e.occurred_at < (p_day + 1)::timestamp at time zone 'UTC')
      and (p_chatbot_id is null or e.chatbot_id = p_chatbot_id)
      and (p_without_chatbot is not true or e.chatbot_id is null)
      and (p_channel is null or e.channel = p_channel)
      and (p_before_id is null or e.id < p_before_id)
    order by e.id desc
    limit p_limit
  )
  select p.id, p.metric, p.amount,
         (v_balance - coalesce(sum(p.amount) over (order by p.id desc rows between unbounded preceding and 1 preceding), 0))::bigint,
         p.occurred_at, nullif(p.window_start, '-infinity'), p.reason, p.request_id,
         p.chatbot_id, b.name, p.conversation_id, p.channel, p.operation
  from page p
  left join app.chatbots b on b.account_id = p_account_id and b.id = p.chatbot_id
  order by p.id desc;
end
$$;

comment on function api.list_usage_events(text, text, timestamptz, date, uuid, boolean, text, integer, bigint, bigint) is
  'Lists an account''s ledger, the newest row first, a page at a time; with the exact balance after each row of one counter.';
revoke all on function api.list_usage_events(text, text, timestamptz, date, uuid, boolean, text, integer, bigint, bigint)
  from public, anon, authenticated;
grant execute on function api.list_usage_events(text, text, timestamptz, date, uuid, boolean, text, integer, bigint, bigint)
  to service_role;
--! EndIncluded schemas/functions/list_usage_events.sql

--! Included schemas/functions/list_usage_windows.sql
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
--! EndIncluded schemas/functions/list_usage_windows.sql

--! Included schemas/functions/read_usage_history.sql
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
--! EndIncluded schemas/functions/read_usage_history.sql
