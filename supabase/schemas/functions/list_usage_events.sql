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
