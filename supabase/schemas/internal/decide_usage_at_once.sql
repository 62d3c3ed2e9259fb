-- decide_usage_at_once decides a batch in a few statements instead of one by one, wherever that comes to the same: the
-- requests on one counter are all granted, or none of them fits. Anything else is left to decide_usage: it raises, and the
-- caller takes the batch back and decides one by one. Never part of it here and the rest there: the counters would be
-- locked in two orders.
--
-- Args:    arrays of one length: entries that are valid in themselves, on metrics that exist and do not count rows;
--          p_request_ids may hold nulls
-- Returns: one row per entry, its decision; used = the counter after this entry, as if they had come one after the other
-- Errors:  PY998 a counter is not there: open_windows first, then again
--          PY999 decide one by one: a request id is known or used twice, some but not all fit, an account is closed or
--          changed meanwhile, a count would overflow
-- Locks:   the counters charged (with request ids: all), in the order (account, metric), until commit; then the request ids
create or replace function app.decide_usage_at_once(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[],
  p_chatbot_ids uuid[], p_conversation_ids uuid[], p_channels text[], p_operations text[]
)
returns table (place integer, allowed boolean, used bigint, quota bigint, resets_at timestamptz, plan text)
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_accounts text[];
  v_metrics text[];
  v_totals bigint[];
  v_smallest bigint[];
  v_states app.accounts[];
  v_plans text[];
  v_quotas bigint[];
  v_windows timestamptz[];
  v_ends timestamptz[];
  v_used bigint[];
  v_allowed boolean[];
  v_locked bigint;
  v_noted bigint;
begin
  -- What is looked at below must be what others committed meanwhile.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'quotas are decided under READ COMMITTED, not %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;

  -- The counters asked for, in the order in which everybody locks them.
  select array_agg(k.account_id), array_agg(k.metric), array_agg(k.total), array_agg(k.smallest)
  into v_accounts, v_metrics, v_totals, v_smallest
  from (
    select e.account_id, e.metric, sum(e.amount)::bigint as total, min(e.amount) as smallest
    from unnest(p_account_ids, p_metrics, p_amounts) as e (account_id, metric, amount)
    group by e.account_id, e.metric
    order by e.account_id, e.metric
  ) k;

  -- Plan, quota and window of each.
  select array_agg(a order by k.place), array_agg(p.plan order by k.place),
         array_agg(case when m.kind = 'gauge' and a.pending_plan is not null
                        -- A downgrade is scheduled: what fits today must fit then. (least passes over nulls.)
                        then least(q.quota, app.quota_of(a.pending_plan, k.metric))
                        -- Only a row that says so makes a metric unlimited.
                        when q.plan is null then 0
                        else q.quota end order by k.place),
         array_agg(case when m.kind = 'gauge' then '-infinity' else w.window_start end order by k.place),
         array_agg(case when m.kind = 'counter' then w.window_end end order by k.place)
  into v_states, v_plans, v_quotas, v_windows, v_ends
  from unnest(v_accounts, v_metrics) with ordinality as k (account_id, metric, place)
  join app.metrics m on m.metric = k.metric
  join app.accounts a on a.account_id = k.account_id and a.closed_at is null
  cross join lateral (select case when a.plan_ends_at <= v_now then 'free' else a.plan end as plan) p
  cross join lateral app.window_at(a.anchor, greatest(v_now, a.counts_from), a.anchor_offset) w
  left join app.plan_quotas q on q.plan = p.plan and q.metric = k.metric;
  if cardinality(v_states) is distinct from cardinality(v_accounts) then
    if exists (select from app.accounts a where a.account_id = any (v_accounts) and a.closed_at is not null) then
      raise exception 'an account is closed' using errcode = 'PY999';
    end if;
    raise exception 'an account is new' using errcode = 'PY998';
  end if;

  -- Two batches that share request ids, in different orders, must not meet there: a refusal holds no counter otherwise.
  if exists (select from unnest(p_request_ids) r where r is not null) then
    perform from unnest(v_accounts, v_metrics, v_windows) as k (account_id, metric, window_start)
    join app.counters c on c.account_id = k.account_id and c.metric = k.metric and c.window_start = k.window_start
    order by c.account_id, c.metric, c.window_start
    for update of c;
    -- One that is made at this moment would be locked below, out of its turn.
    get diagnostics v_locked = row_count;
    if v_locked <> cardinality(v_accounts) then
      raise exception 'a counter is not there' using errcode = 'PY998';
    end if;
  end if;
  v_used := app.move_counters(v_accounts, v_metrics, v_windows, v_quotas, v_totals);
  v_allowed := array(select u.used is not null from unnest(v_used) with ordinality as u (used, place) order by u.place);

  if array_position(v_used, null) is not null then
    -- Refused, if not even the smallest fits: looked at afresh, as decide_usage does it.
    v_used := array(
      select coalesce(k.moved, c.used)
      from unnest(v_accounts, v_metrics, v_windows, v_used) with ordinality as k (account_id, metric, window_start, moved, place)
      left join app.counters c on k.moved is null
        and c.account_id = k.account_id and c.metric = k.metric and c.window_start = k.window_start
      order by k.place);
    if array_position(v_used, null) is not null then
      raise exception 'a counter is not there' using errcode = 'PY998';
    end if;
    if exists (
      select from unnest(v_allowed, v_used, v_smallest, v_quotas) as k (allowed, used, smallest, quota)
      where not k.allowed and (k.quota is null or k.used + k.smallest <= k.quota)
    ) then
      raise exception 'some fit and some do not' using errcode = 'PY999';
    end if;
  end if;

  -- Now that the counters are locked: are plans and windows still those they were decided by?
  if exists (
    select from unnest(v_states) s
    left join app.accounts a on a.account_id = s.account_id
    where a is distinct from s
  ) then
    raise exception 'an account has changed' using errcode = 'PY999';
  end if;

  if exists (select from unnest(p_request_ids) r where r is not null) then
    with entry as (
      select e.*, dense_rank() over (order by e.account_id, e.metric) as key,
             (sum(e.amount) over (partition by e.account_id, e.metric order by e.place rows unbounded preceding))::bigint as running
      from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids)
           with ordinality as e (account_id, metric, amount, request_id, place)
    ),
    noted as (
      insert into app.usage_requests
        (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
      select e.account_id, e.request_id, 'charge', e.metric, e.amount, v_allowed[e.key],
             v_used[e.key] - case when v_allowed[e.key] then v_totals[e.key] - e.running else 0 end,
             v_quotas[e.key], v_ends[e.key], v_plans[e.key], v_windows[e.key], v_now
      from entry e
      where e.request_id is not null
      order by e.account_id, e.metric, e.place
      on conflict do nothing
      returning 1
    )
    select count(*) into v_noted from noted;
    if v_noted <> (select count(r) from unnest(p_request_ids) r) then
      raise exception 'a request id is known' using errcode = 'PY999';
    end if;
    -- decrement_usage looks for the charge while it holds the counter, as this does: one of the two sees the other.
    if exists (
      select from unnest(p_account_ids, p_request_ids) e (account_id, request_id)
      join app.usage_returns r on r.account_id = e.account_id and r.request_id = e.request_id
    ) then
      raise exception 'a request id gave units back' using errcode = 'PY999';
    end if;
  end if;

  return query
  with entry as materialized (
    select e.*, dense_rank() over (order by e.account_id, e.metric) as key,
           (sum(e.amount) over (partition by e.account_id, e.metric order by e.place rows unbounded preceding))::bigint as running
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations)
         with ordinality as e (account_id, metric, amount, request_id, chatbot_id, conversation_id, channel, operation, place)
  ),
  written as (
    insert into app.usage_events
      (account_id, metric, amount, occurred_at, window_start, reason, request_id, chatbot_id, conversation_id, channel, operation)
    select e.account_id, e.metric, e.amount, v_now, v_windows[e.key], 'charge', e.request_id, e.chatbot_id, e.conversation_id, e.channel, e.operation
    from entry e
    where v_allowed[e.key]
    order by e.account_id, e.metric, e.place
  )
  select e.place::integer, v_allowed[e.key],
         v_used[e.key] - case when v_allowed[e.key] then v_totals[e.key] - e.running else 0 end,
         v_quotas[e.key], v_ends[e.key], v_plans[e.key]
  from entry e;
end
$$;

comment on function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch in a few statements where the requests on one counter are all granted or none of them fits; raises otherwise.';
revoke all on function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated, service_role;
